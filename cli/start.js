// The process of a command: with a cache of compiled code, so that a second start takes half as long.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { endOnMissingPackage } from './node/missing-package.js';

// With the installation, whose code it holds: what another user writes to a shared folder could be run as ours. Where it can't
// be written there is none. NODE_DISABLE_COMPILE_CACHE=1 switches it off.
const folder = fileURLToPath(new URL('../node_modules/.cache/spillway', import.meta.url));
// The worker threads of the embedded cloud take it from the environment.
process.env.NODE_COMPILE_CACHE ||= folder;
enableCompileCache();
// Only what is loaded from here on is cached.
await import('./main.ts').catch(endOnMissingPackage);
