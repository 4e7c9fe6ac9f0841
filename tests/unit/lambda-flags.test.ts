// The flags of Node under which an emulated function runs.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createEnvironment } from '../../local/lambda/environment.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const HOST_FLAGS = [...process.execArgv];
const QUIET = '--disable-warning=ExperimentalWarning';

let work: string;
beforeEach(async () => {
  work = await folderOfTest();
});
afterEach(() => {
  process.execArgv = HOST_FLAGS;
});

it('are those by which the launcher keeps warnings quiet, and no other of the host', async () => {
  const handlerFile = path.join(work, 'flags.mjs');
  writeFileSync(handlerFile, 'export const handler = async () => process.execArgv;\n');
  process.execArgv = [...HOST_FLAGS, '--import=data:text/javascript,1', QUIET];
  const environment = createEnvironment(
    { clock: systemClock, onOutput: () => undefined },
    {
      handlerFile,
      handlerExport: 'handler',
      clockSkewMs: 0,
      timeoutMs: 60_000,
      memoryMb: 128,
      variables: {},
    },
  );
  try {
    const request = { requestId: '1', payload: '{}', traceId: 'Root=1', invokedFunctionArn: 'arn' };
    expect(await environment.invoke(request)).toMatchObject({
      kind: 'answered',
      payload: JSON.stringify([QUIET]),
    });
  } finally {
    await environment.terminate();
  }
});
