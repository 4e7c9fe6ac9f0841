// What npm scripts start: `run.js TOOL ARGS` or `run.js FILE.ts ARGS` on Node 24 or newer.
// npm before 11 takes node_modules/.bin/node away again after the install, so PATH can't be relied on.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { notInstalledText } from './missing-package.js';
import { nodeForThisProcess, runOn } from './node-24.js';

const root = new URL('../../', import.meta.url);
const [command = '', ...args] = process.argv.slice(2);
const { dependencies, devDependencies } = readPackage(new URL('package.json', root));
const missing = Object.keys({ ...dependencies, ...devDependencies }).find(
  (name) => !existsSync(homeOf(name)),
);
if (missing !== undefined) end(notInstalledText(missing));
const script = command.endsWith('.ts') ? new URL(command, root) : fileOfTool(command);
if (script === undefined) end(`${command} is no command of a package in package.json`);
const node = nodeForThisProcess();
runOn(node.kind === 'child' ? node.file : process.execPath, [fileURLToPath(script), ...args]);

/**
 * The script behind a command of an installed package, as the package's own `bin` names it.
 * @param {string} tool
 */
function fileOfTool(tool) {
  for (const name of Object.keys(devDependencies ?? {})) {
    const home = homeOf(name);
    const file = readPackage(new URL('package.json', home)).bin?.[tool];
    if (file !== undefined) return new URL(file, home);
  }
  return undefined;
}

/** @param {string} name of a package */
function homeOf(name) {
  return new URL(`node_modules/${name}/`, root);
}

/**
 * @param {URL} file
 * @returns {Partial<Record<'bin' | 'dependencies' | 'devDependencies', Record<string, string>>>}
 */
function readPackage(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/**
 * @param {string} message
 * @returns {never}
 */
function end(message) {
  console.error(message);
  process.exit(1);
}
