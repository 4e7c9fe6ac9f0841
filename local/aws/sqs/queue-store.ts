// The queues of one account, in the shape in which fauxqs' SQS actions ask for them.
import type { QueueOptions } from '../emulators.ts';
import { type QueueDependencies, type QueueLimits, StandardQueue } from './standard-queue.ts';

/** SQS's quota of messages in flight in a standard queue. */
const IN_FLIGHT_LIMIT = 120_000;

export interface QueueStoreOptions extends Pick<QueueLimits, 'shuffleWindow' | 'duplicateShare'> {
  accountId: string;
  region: string;
  queues: QueueOptions[];
  mostDelayMs?: number | undefined;
}

export class QueueStore {
  host = 'localhost';
  region: string;
  /** Where the queue URLs point; known once the gateway listens. */
  port = 0;
  readonly #queues = new Map<string, StandardQueue>();
  readonly #dependencies: QueueDependencies;
  readonly #options: QueueStoreOptions;

  constructor(dependencies: QueueDependencies, options: QueueStoreOptions) {
    this.region = options.region;
    this.#dependencies = dependencies;
    this.#options = options;
  }

  /** Creates the queues of the options, once the port is known. */
  createAll(): void {
    for (const { name, attributes } of this.#options.queues) {
      this.createQueue(name, '', '', Object.fromEntries(Object.entries(attributes).map(asText)));
    }
  }

  createQueue(
    name: string,
    _url: string,
    _arn: string,
    attributes: Record<string, string> = {},
    tags: Record<string, string> = {},
  ): StandardQueue {
    if (name.endsWith('.fifo')) throw new Error(`${name}: FIFO queues are not emulated`);
    const { accountId, queues, shuffleWindow, duplicateShare } = this.#options;
    const mostDelayMs = this.#options.mostDelayMs ?? Number.POSITIVE_INFINITY;
    const inFlightLimit = queues.find((queue) => queue.name === name)?.inFlightLimit ?? IN_FLIGHT_LIMIT;
    const limits: QueueLimits = { inFlightLimit, shuffleWindow, duplicateShare, mostDelayMs };
    const identity = {
      name,
      url: this.buildQueueUrl(name),
      arn: `arn:aws:sqs:${this.region}:${accountId}:${name}`,
    };
    const queue = new StandardQueue(this.#dependencies, identity, { attributes, limits });
    for (const [key, value] of Object.entries(tags)) queue.tags.set(key, value);
    this.#queues.set(name, queue);
    return queue;
  }

  /** An address that resolves everywhere, unlike AWS's and fauxqs' host names. */
  buildQueueUrl(name: string): string {
    return `http://127.0.0.1:${this.port}/${this.#options.accountId}/${name}`;
  }

  deleteQueue(url: string): boolean {
    const queue = this.getQueue(url);
    queue?.cancelWaiters();
    return queue !== undefined && this.#queues.delete(queue.name);
  }

  getQueue(url: string): StandardQueue | undefined {
    return this.#queues.get(url.slice(url.lastIndexOf('/') + 1));
  }

  getQueueByName(name: string): StandardQueue | undefined {
    return this.#queues.get(name);
  }

  /** By the name alone: fauxqs' own actions ask with another account's number. */
  getQueueByArn(arn: string): StandardQueue | undefined {
    return this.#queues.get(arn.slice(arn.lastIndexOf(':') + 1));
  }

  allQueues(): IterableIterator<StandardQueue> {
    return this.#queues.values();
  }

  listQueues(
    prefix = '',
    maxResults = 1000,
    after = '',
  ): { queues: StandardQueue[]; nextToken: string | undefined } {
    const names = [...this.#queues.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
    const page = names.slice(0, maxResults);
    return {
      queues: page.flatMap((name) => this.#queues.get(name) ?? []),
      nextToken: names.length > page.length ? page.at(-1) : undefined,
    };
  }

  shutdown(): void {
    for (const queue of this.#queues.values()) queue.cancelWaiters();
  }
}

/** CloudFormation gives numbers, booleans and objects; SQS's API has texts alone. */
function asText([name, value]: [string, unknown]): [string, string] {
  return [name, typeof value === 'object' ? JSON.stringify(value) : String(value)];
}
