// What to do where a package is not installed. Plain JavaScript: it is loaded before and beside what needs the packages.

/** Node's words, with a package's name. A path, which begins with a dot, a slash or a drive, is a file of our own. */
const MISSING = /^Cannot find (?:package|module) '((?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^']*)?'/;

/**
 * @param {unknown} error what an import or require has thrown
 * @returns {string | undefined} undefined for any other error
 */
export function missingPackageText(error) {
  if (!(error instanceof Error)) return undefined;
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  const name = MISSING.exec(message)?.[1];
  return name === undefined ? undefined : notInstalledText(name);
}

/**
 * Ends the process with a line about the package.
 * @param {unknown} error
 * @throws the error, if it is another one
 */
export function endOnMissingPackage(error) {
  const text = missingPackageText(error);
  if (text === undefined) throw error;
  console.error(`spillway: ${text}`);
  process.exit(1);
}

export const notInstalledText = (/** @type {string} */ name) =>
  `the package ${name} is not installed: run "npm ci", without --omit`;
