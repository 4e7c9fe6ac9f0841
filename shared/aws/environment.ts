// The functions' configuration: names and URLs that serverless.yml puts into the environment.

/**
 * Reads environment variables, and reports all that are missing at once.
 * @throws Error naming every missing variable
 */
export function readEnvironment<const Name extends string>(
  names: readonly Name[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<Name, string> {
  const missing = names.filter((name) => env[name] === undefined);
  if (missing.length > 0) {
    throw new Error(
      `missing environment variables: ${missing.join(', ')} (serverless.yml sets them for each function)`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, env[name]])) as Record<Name, string>;
}

/** A comma-separated list, as parameters in serverless.yml are given; empty text is an empty list. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
