// Calls between an emulator's worker thread and the thread that started it, in both directions, and the worker's events.
import { parentPort, Worker } from 'node:worker_threads';

type Message =
  /** The worker's alone: that it listens, that it can't, and its events. */
  | { kind: 'ready'; port: number }
  | { kind: 'not-ready'; code: string | undefined; message: string }
  | { kind: 'notified'; name: string; value: unknown }
  /** Each side's calls, which the other one answers. */
  | { kind: 'call'; id: number; name: string; argument: unknown }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'error'; id: number; message: string };

export interface EmulatorWorker {
  port: number;
  call(name: string, argument?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** A worker did not come up; `code` is the system's, such as EADDRINUSE. */
export class WorkerStartError extends Error {
  readonly code: string | undefined;
  constructor(message: string, code: string | undefined) {
    super(message);
    this.name = 'WorkerStartError';
    this.code = code;
  }
}

/** One side's calls to the other, and its answers to the calls of that one. */
function createCalls(post: (message: Message) => void, answer: (name: string, argument: unknown) => unknown) {
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  let nextId = 0;
  let gone: Error | undefined;

  return {
    async call(name: string, argument?: unknown): Promise<unknown> {
      if (gone !== undefined) throw gone;
      nextId += 1;
      const answered = Promise.withResolvers<unknown>();
      // First, as it throws where the argument can't be cloned: then no call is pending.
      post({ kind: 'call', id: nextId, name, argument });
      pending.set(nextId, answered);
      return await answered.promise;
    },

    take(message: Extract<Message, { id: number }>): void {
      const { id } = message;
      if (message.kind === 'call') {
        Promise.resolve()
          .then(() => answer(message.name, message.argument))
          .then((value) => post({ kind: 'answer', id, value }))
          .catch((error: Error) => post({ kind: 'error', id, message: error.message }));
        return;
      }
      if (message.kind === 'answer') pending.get(id)?.resolve(message.value);
      else pending.get(id)?.reject(new Error(message.message));
      pending.delete(id);
    },

    /** The other side is gone: no call is answered any more. */
    end(error: Error): void {
      gone = error;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    },
  };
}

export async function startWorker(
  file: URL,
  data: unknown,
  {
    onTold,
    onAsked,
    onFailure,
  }: {
    onTold: (name: string, value: unknown) => void;
    onAsked: (name: string, argument: unknown) => unknown;
    onFailure: (message: string) => void;
  },
): Promise<EmulatorWorker> {
  const worker = new Worker(file, { workerData: data });
  const calls = createCalls((message) => worker.postMessage(message), onAsked);
  const ready = Promise.withResolvers<number>();
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    await worker.terminate();
  };
  worker.on('message', (message: Message) => {
    switch (message.kind) {
      case 'ready':
        return ready.resolve(message.port);
      case 'not-ready':
        return ready.reject(new WorkerStartError(message.message, message.code));
      case 'notified':
        return onTold(message.name, message.value);
      default:
        calls.take(message);
    }
  });
  worker.on('error', (error) => {
    ready.reject(error);
    onFailure(`emulator worker failed: ${error.stack ?? error.message}`);
  });
  worker.on('exit', (code) => {
    const gone = new Error(`emulator worker ended with code ${code}`);
    ready.reject(gone);
    calls.end(gone);
    if (!stopping) onFailure(gone.message);
  });
  const port = await ready.promise.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { port, call: calls.call, stop };
}

export interface WorkerSide {
  ready(port: number): void;
  notReady(error: Error & { code?: string }): void;
  notify(name: string, value: unknown): void;
  /** Calls into the thread that started the worker. */
  ask(name: string, argument: unknown): Promise<unknown>;
}

/** The worker's end: answers the calls by their names. */
export function answerCalls(answers: Record<string, (argument: never) => unknown>): WorkerSide {
  const parent = parentPort;
  if (parent === null) throw new Error('an emulator runs in a worker thread');
  const post = (message: Message): void => parent.postMessage(message);
  const calls = createCalls(post, (name, argument) => answers[name]?.(argument as never));
  parent.on('message', calls.take);
  return {
    ready: (listening) => post({ kind: 'ready', port: listening }),
    notReady: (error) => post({ kind: 'not-ready', code: error.code, message: error.message }),
    notify: (name, value) => post({ kind: 'notified', name, value }),
    ask: calls.call,
  };
}
