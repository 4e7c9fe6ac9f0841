// Keeps the functions' bundles between starts. To make them takes longer than to start the functions, and V8's cache of compiled
// code finds a file by its path alone.
//
//   KEY.json       of bundles with these settings: each input with the hash of its content, and the folder
//   bundles-HASH/  the bundles, named by all of that: a folder is never written again
import { hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isRecord, parseJson } from '../../shared/text/parse-json.ts';

/** A cloud that runs uses its folder since its start; no run of the lab takes as long. */
const UNUSED_MS = 24 * 60 * 60 * 1000;
/** File systems write times down as coarsely as 2 s. */
const COARSE_MS = 2_000;

export interface BundleCache {
  /** @returns the folder of bundles that the inputs, as they are now, would make */
  find(): Promise<string | undefined>;
  /**
   * Keeps a copy of new bundles.
   * @param inputs paths of what they were made of
   * @param sinceMs before the first of them was read
   * @returns the folder to run them from; undefined where none can be kept
   */
  keep(bundles: string, inputs: string[], sinceMs: number): Promise<string | undefined>;
}

interface Kept {
  folder: string;
  inputs: Record<string /* path */, string /* hash */>;
}

/**
 * @param folder where no other user writes: its code is run
 * @param root folder of relative inputs
 * @param settings all that decides on the bundles beside the inputs
 */
export function createBundleCache(folder: string, root: string, settings: unknown): BundleCache {
  const key = hashOf(JSON.stringify([root, settings]));
  const index = join(folder, `${key}.json`);

  return {
    async find() {
      try {
        const kept = parseKept(await readFile(index, 'utf8'));
        if (kept === undefined) return undefined;
        for (const [path, known] of Object.entries(kept.inputs))
          if (contentHash(resolve(root, path)) !== known) return undefined;
        const found = join(folder, kept.folder);
        await markUsed(found);
        await markUsed(index);
        return found;
      } catch {
        return undefined;
      }
    },
    async keep(bundles, inputs, sinceMs) {
      let copy: string | undefined;
      try {
        const hashes: Kept['inputs'] = {};
        for (const path of inputs) {
          const file = resolve(root, path);
          // What changed meanwhile may have been read before or after.
          if (changedMs(file) >= sinceMs - COARSE_MS) return undefined;
          hashes[path] = contentHash(file);
        }
        await mkdir(folder, { recursive: true });
        copy = await mkdtemp(join(folder, 'new-'));
        await cp(bundles, copy, { recursive: true });
        const name = `bundles-${hashOf(JSON.stringify([key, hashes]))}`;
        const kept = join(folder, name);
        // Another start may have put the same there; then this rename fails.
        await rename(copy, kept).catch(() => undefined);
        await markUsed(kept);
        const written = `${copy}.json`;
        await writeFile(written, JSON.stringify({ folder: name, inputs: hashes } satisfies Kept));
        await rename(written, index);
        await removeUnused(folder).catch(() => undefined);
        return kept;
      } catch {
        return undefined;
      } finally {
        if (copy !== undefined) await rm(copy, { recursive: true, force: true }).catch(() => undefined);
      }
    },
  };
}

function parseKept(text: string): Kept | undefined {
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  const { folder, inputs } = value;
  if (typeof folder !== 'string' || !/^bundles-[0-9a-f]+$/.test(folder) || !isRecord(inputs))
    return undefined;
  return { folder, inputs: inputs as Kept['inputs'] };
}

/** '' for what is not there: that it was missing is remembered, too. */
function contentHash(file: string): string {
  // Read in turn: 1,500 small files take longer as promises.
  try {
    return hashOf(readFileSync(file));
  } catch {
    return '';
  }
}

/** When its content or its place last changed. An installed file keeps the time of its release as `mtime`. */
function changedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0;
}

function hashOf(content: string | Uint8Array): string {
  return hash('sha256', content);
}

/** @throws where it is missing */
async function markUsed(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

async function removeUnused(folder: string): Promise<void> {
  const before = Date.now() - UNUSED_MS;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}
