#!/usr/bin/env node
// Starts the command line on Node 24 or newer, the version that Lambda runs, whichever Node started npm or npx.
import { fileURLToPath } from 'node:url';
import { nodeForThisProcess, runOn } from './node/node-24.js';

const start = new URL('./start.js', import.meta.url);
const node = nodeForThisProcess();
if (node.kind === 'same-process') await import(start.href);
else runOn(node.file, [fileURLToPath(start), ...process.argv.slice(2)]);
