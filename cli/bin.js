#!/usr/bin/env node
// Starts the command line on the Node that the project brings with it: the version that Lambda runs, whatever started npx.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const LAMBDA_NODE_MAJOR = 24;

const start = new URL('./start.js', import.meta.url);
if (Number.parseInt(process.versions.node, 10) >= LAMBDA_NODE_MAJOR) await import(start.href);
else startOn(nodeOfProject());

/** @param {string} node */
function startOn(node) {
  const child = spawn(node, [fileURLToPath(start), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    // A terminal tells both of Ctrl-C, other senders this process alone: passed on either way, and counted once in interrupt.ts.
    process.on(signal, () => child.kill(signal));
  }
  // The code alone: the Node that runs this may be too old for the module that makes text safe to print.
  child.on('error', (/** @type {NodeJS.ErrnoException} */ { code }) => {
    console.error(`spillway: Node ${LAMBDA_NODE_MAJOR} does not start (${code}). Run npm ci again.`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}

function nodeOfProject() {
  try {
    const home = path.dirname(createRequire(import.meta.url).resolve('node/package.json'));
    return path.join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    console.error(
      `spillway: needs Node ${LAMBDA_NODE_MAJOR}; this is ${process.version}. Run npm ci, or take a newer Node.`,
    );
    process.exit(1);
  }
}
