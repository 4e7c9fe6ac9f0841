// Calls into an emulator's worker thread, and the events that the worker sends.
import { type MessagePort, parentPort, Worker } from 'node:worker_threads';

type FromWorker =
  | { kind: 'ready'; port: number }
  | { kind: 'not-ready'; code: string | undefined; message: string }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'error'; id: number; message: string }
  | { kind: 'notified'; name: string; value: unknown }
  /** The worker's own call, which is replied to. */
  | { kind: 'asked'; id: number; name: string; argument: unknown };

type ToWorker = Call | Reply;

interface Call {
  kind: 'call';
  id: number;
  name: string;
  argument: unknown;
}

type Reply =
  | { kind: 'reply'; id: number; value: unknown }
  | { kind: 'reply-error'; id: number; message: string };

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
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  let stopping = false;
  let gone: Error | undefined;

  const port = await new Promise<number>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'ready':
          return resolve(message.port);
        case 'not-ready':
          return reject(new WorkerStartError(message.message, message.code));
        case 'notified':
          return onTold(message.name, message.value);
        case 'asked':
          return reply(message.id, async () => onAsked(message.name, message.argument));
        case 'answer':
          pending.get(message.id)?.resolve(message.value);
          break;
        case 'error':
          pending.get(message.id)?.reject(new Error(message.message));
      }
      pending.delete(message.id);
    });
    worker.on('error', (error) => reject(error));
    worker.on('error', (error) => onFailure(`emulator worker failed: ${error.stack ?? error.message}`));
    worker.on('exit', (code) => {
      gone = new Error(`emulator worker ended with code ${code}`);
      reject(gone);
      for (const call of pending.values()) call.reject(gone);
      pending.clear();
      if (!stopping) onFailure(gone.message);
    });
  }).catch(async (error: unknown) => {
    stopping = true;
    await worker.terminate();
    throw error;
  });

  function reply(id: number, answer: () => Promise<unknown>): void {
    const post = (message: Reply): void => worker.postMessage(message);
    answer()
      .then((value) => post({ kind: 'reply', id, value }))
      .catch((error: Error) => post({ kind: 'reply-error', id, message: error.message }));
  }

  return {
    port,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone);
        nextId += 1;
        pending.set(nextId, { resolve, reject });
        worker.postMessage({ kind: 'call', id: nextId, name, argument } satisfies ToWorker);
      }),
    async stop() {
      stopping = true;
      await worker.terminate();
    },
  };
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
  const port = requireParent();
  const post = (message: FromWorker): void => port.postMessage(message);
  const asked = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'reply') asked.get(message.id)?.resolve(message.value);
    if (message.kind === 'reply-error') asked.get(message.id)?.reject(new Error(message.message));
    if (message.kind !== 'call') return void asked.delete(message.id);
    const { id, name, argument } = message;
    Promise.resolve()
      .then(() => answers[name]?.(argument as never))
      .then((value) => post({ kind: 'answer', id, value }))
      .catch((error: Error) => post({ kind: 'error', id, message: error.message }));
  });
  return {
    ready: (listening) => post({ kind: 'ready', port: listening }),
    notReady: (error) => post({ kind: 'not-ready', code: error.code, message: error.message }),
    notify: (name, value) => post({ kind: 'notified', name, value }),
    ask: (name, argument) =>
      new Promise((resolve, reject) => {
        nextId += 1;
        asked.set(nextId, { resolve, reject });
        post({ kind: 'asked', id: nextId, name, argument });
      }),
  };
}

function requireParent(): MessagePort {
  if (parentPort === null) throw new Error('an emulator runs in a worker thread');
  return parentPort;
}
