// Calls between an emulator's worker thread and the thread that started it.
import { expect, it, vi } from 'vitest';
import { startWorker } from '../../local/aws/worker-calls.ts';

const CODE = `import { parentPort } from 'node:worker_threads';
parentPort.on('message', () => {});
parentPort.postMessage({ kind: 'ready', port: 1 });`;

it('rejects a call whose argument can not be cloned, and no other promise at the end', async () => {
  const onUnhandled = vi.fn();
  process.on('unhandledRejection', onUnhandled);
  const file = new URL(`data:text/javascript,${encodeURIComponent(CODE)}`);
  const on = { onTold: vi.fn(), onAsked: vi.fn(), onFailure: vi.fn() };
  const worker = await startWorker(file, undefined, on);
  await expect(worker.call('name', () => undefined)).rejects.toThrow('could not be cloned');
  await worker.stop();
  await new Promise(setImmediate);
  process.off('unhandledRejection', onUnhandled);
  expect(onUnhandled).not.toHaveBeenCalled();
});
