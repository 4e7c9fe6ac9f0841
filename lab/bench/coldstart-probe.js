// A fresh process, as a cold start has: loads one bundle, lets it make its clients, and sends its times to its parent.
// Plain JavaScript, since Lambda strips no types either: for that Node loads a compiler, which may still be busy on other threads.
import { pathToFileURL } from 'node:url';

/** @typedef {{ handler?: (event: { Records: unknown[] }, context: object) => Promise<unknown> }} Bundle */

const [file = ''] = process.argv.slice(2);
/** @type {{ initMs: number, cpuMs: number } | undefined} */
let times;
const [startedAtMs, startedCpu] = [performance.now(), process.cpuUsage()];
/** @type {Bundle} */
const bundle = await import(pathToFileURL(file).href);
// The handler makes its clients at its first invocation, and then reads the batch. This one is empty: nothing is sent.
const event = {
  get Records() {
    times ??= passed();
    return [];
  },
};
const context = { awsRequestId: 'cold', getRemainingTimeInMillis: () => 60_000 };
await bundle.handler?.(event, context);
process.send?.(times ?? passed());

function passed() {
  const { user, system } = process.cpuUsage(startedCpu);
  return { initMs: performance.now() - startedAtMs, cpuMs: (user + system) / 1000 };
}
