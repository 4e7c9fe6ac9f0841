// Empty folders for tests, each removed after its use.
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder for all tests of a file or of a describe, as `duringTests` starts it. Its path has no links. */
export async function temporaryFolder(prefix = 'spillway-test-') {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), prefix)));
  return { path: folder, stop: () => rm(folder, { recursive: true, force: true }) };
}

/** @returns the path of a folder for one test, from the test itself or from its `beforeEach` */
export async function folderOfTest(prefix?: string): Promise<string> {
  const folder = await temporaryFolder(prefix);
  onTestFinished(folder.stop);
  return folder.path;
}
