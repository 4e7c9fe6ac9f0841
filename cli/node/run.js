// What npm scripts start: `run.js TOOL ARGS` or `run.js FILE.ts ARGS` on Node 24 or newer.
// npm before 11 takes node_modules/.bin/node away again after the install, so PATH can't be relied on.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeForThisProcess, runOn } from './node-24.js';

const root = new URL('../../', import.meta.url);
const [command = '', ...args] = process.argv.slice(2);
const script = command.endsWith('.ts') ? new URL(command, root) : fileOfTool(command);
if (script === undefined) {
  console.error(`${command} is no tool of package.json's dependencies that is installed: run "npm ci"`);
  process.exit(1);
}
const node = nodeForThisProcess();
runOn(node.kind === 'child' ? node.file : process.execPath, [fileURLToPath(script), ...args]);

/**
 * The script behind a command of an installed package, as the package's own `bin` names it.
 * @param {string} tool
 */
function fileOfTool(tool) {
  const { devDependencies } = readPackage(new URL('package.json', root));
  for (const name of Object.keys(devDependencies ?? {})) {
    const home = new URL(`node_modules/${name}/`, root);
    const file = readPackage(new URL('package.json', home)).bin?.[tool];
    if (file !== undefined) return new URL(file, home);
  }
  return undefined;
}

/**
 * @param {URL} file
 * @returns {{ bin?: Record<string, string>, devDependencies?: Record<string, string> }} empty if it is not installed
 */
function readPackage(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return {};
    throw error;
  }
}
