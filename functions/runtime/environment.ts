// The functions' configuration: names, URLs and numbers that serverless.yml puts into the environment.
import { boundedName } from '../../shared/text/bounded.ts';

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

/**
 * A variable that holds a whole number in decimal digits. `Number` would also read an empty text, as zero, and `0x10`.
 * @throws Error naming the variable
 */
export function wholeNumber<Name extends string>(env: Readonly<Record<Name, string>>, name: Name): number {
  return numberOf(env[name], name);
}

/** The same for a comma-separated list of them. @throws likewise */
export function wholeNumbers<Name extends string>(env: Readonly<Record<Name, string>>, name: Name): number[] {
  return splitList(env[name]).map((text) => numberOf(text, name));
}

function numberOf(text: string, name: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new Error(`the environment variable ${name} is "${boundedName(text)}": it takes whole numbers`);
}

/** A comma-separated list, as parameters in serverless.yml are given; empty text is an empty list. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
