// One measurement of ingest in a fresh process: `measure-process.ts ORDER`, an order in JSON. Prints the result in JSON.
import { markInOnePause } from '../../../functions/runtime/garbage-collection.ts';
import type { Input } from './formats.ts';
import { measureIngest, measureParser, measureSending } from './parts.ts';

const BYTES_PER_KIB = 1024;

export type Order = { input: Input } & (
  | { part: 'ingest' | 'parser' }
  | { part: 'sending'; rounds: number; endpoint: string }
);

// As ingest's function does at its first invocation.
markInOnePause();
const order = JSON.parse(process.argv[2] ?? '') as Order;
const result = await measure(order);
// The most that the process ever had in memory, by the system's own count (Linux and macOS: KiB, after libuv).
const peakRssBytes = process.resourceUsage().maxRSS * BYTES_PER_KIB;
console.log(JSON.stringify({ ...result, peakRssBytes }));

async function measure(given: Order): Promise<object> {
  switch (given.part) {
    case 'ingest':
      return measureIngest(given.input);
    case 'parser':
      return measureParser(given.input);
    case 'sending':
      return measureSending(given.input, given);
  }
}
