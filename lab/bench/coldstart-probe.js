// A fresh process, as a cold start has: loads one bundle, lets it make its clients, and sends the milliseconds to its parent.
import { pathToFileURL } from 'node:url';
import type { Context, SQSEvent } from 'aws-lambda';

interface Bundle {
  handler?: (event: SQSEvent, context: Context) => Promise<unknown>;
}

const [file = ''] = process.argv.slice(2);
const startedAtMs = performance.now();
let readyAtMs: number | undefined;
const bundle = (await import(pathToFileURL(file).href)) as Bundle;
// The handler makes its clients at its first invocation, and then reads the batch. This one is empty: nothing is sent.
const event: SQSEvent = {
  get Records() {
    readyAtMs ??= performance.now();
    return [];
  },
};
const context = { awsRequestId: 'cold', getRemainingTimeInMillis: () => 60_000 } as Context;
await bundle.handler?.(event, context);
readyAtMs ??= performance.now();
process.send?.(readyAtMs - startedAtMs);
