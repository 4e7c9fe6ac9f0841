// Bundles code as serverless-esbuild does when it packages serverless.yml: the settings are those of that file.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire, getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type BuildOptions, build, version } from 'esbuild';
import { isRecord } from '../../shared/text/parse-json.ts';
import { type BundleCache, createBundleCache } from './bundle-cache.ts';
import { type FunctionModel, ServiceModelError } from './model.ts';
import { readConfiguration } from './read-configuration.ts';

const require = createRequire(import.meta.url);

/** Name of the module to import, without its extension. */
const START = 'handler';

/** What to bundle: a file, or source text whose imports are resolved in a folder. */
export type BundleEntry = { kind: 'file'; path: string } | { kind: 'text'; source: string; folder: string };

/** A bundle in a folder of its own. */
export interface Bundle {
  /** The module to import. */
  file: string;
  /** Of all files. */
  bytes: number;
  /** Of those that are read when the module is imported. The others are imported on demand. */
  startBytes: number;
}

/**
 * @param serviceFile path of a serverless.yml
 * @returns bundles one entry into a folder
 * @throws ServiceModelError where the file has no settings for esbuild
 */
export async function createBundler(
  serviceFile: string,
): Promise<(entry: BundleEntry, folder: string) => Promise<Bundle>> {
  const { settings } = await bundleSettings(serviceFile);
  return async (entry, folder) => {
    const { metafile } = await build({ ...settings, ...inputOf(entry), outdir: folder, metafile: true });
    const files = new Map(
      Object.entries(metafile.outputs).map(([name, output]) => [
        resolve(settings.absWorkingDir, name),
        output,
      ]),
    );
    const file = join(resolve(folder), `${START}.mjs`);
    const sizeOf = (names: Iterable<string>) =>
      [...names].reduce((sum, name) => sum + (files.get(name)?.bytes ?? 0), 0);
    const onStart = new Set([file]);
    // A set is gone through to its end, also where it grows meanwhile.
    for (const name of onStart) {
      for (const { path, kind } of files.get(name)?.imports ?? [])
        if (kind === 'import-statement') onStart.add(resolve(settings.absWorkingDir, path));
    }
    return { file, bytes: sizeOf(files.keys()), startBytes: sizeOf(onStart) };
  };
}

/**
 * Has the functions run as they are packaged: their models then name bundles in a folder. It lies with Node's cache of compiled
 * code, where there is one, and serves later starts, until an input of the bundles changes.
 * @returns removes the folder if it serves this start alone
 */
export async function bundleFunctions(
  serviceFile: string,
  functions: Record<string, FunctionModel>,
): Promise<() => Promise<void>> {
  const entryPoints = Object.fromEntries(
    Object.entries(functions).map(([name, { handlerFile }]) => [name, handlerFile]),
  );
  const startedMs = Date.now();
  const { settings, pluginFile } = await bundleSettings(serviceFile);
  const useBundles = (folder: string): void => {
    for (const [name, model] of Object.entries(functions)) model.handlerFile = join(folder, `${name}.mjs`);
  };

  const cache = bundleCache({ ...settings, entryPoints });
  const earlier = await cache?.find();
  if (earlier !== undefined) {
    useBundles(earlier);
    return async () => undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'spillway-functions-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    // In one build: what the functions share is parsed once.
    const { metafile } = await build({
      ...settings,
      entryPoints,
      outdir: folder,
      metafile: true,
      // The error says what was wrong.
      logLevel: 'silent',
    });
    const inputs = [...Object.keys(metafile.inputs), ...pluginFile, ...RESOLVED_BY];
    const kept = await cache?.keep(folder, inputs, startedMs);
    useBundles(kept ?? folder);
    if (kept !== undefined) await remove();
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

/** They decide which files the imports name: npm writes the first with every install, esbuild reads the second. */
const RESOLVED_BY = ['node_modules/.package-lock.json', 'tsconfig.json'];

/** Undefined where Node keeps no compiled code: then nothing is to be kept, or can be. */
function bundleCache({ plugins: _, ...settings }: Settings): BundleCache | undefined {
  const compiled = getCompileCacheDir();
  if (compiled === undefined) return undefined;
  // Beside the folders of Node's versions.
  const folder = join(dirname(compiled), 'functions');
  return createBundleCache(folder, settings.absWorkingDir, { version, ...settings });
}

type Settings = BuildOptions & { absWorkingDir: string; outExtension: { '.js': string } };

async function bundleSettings(serviceFile: string): Promise<{ settings: Settings; pluginFile: string[] }> {
  const { custom } = await readConfiguration(serviceFile);
  const given = isRecord(custom) ? custom['esbuild'] : undefined;
  if (!isRecord(given)) throw new ServiceModelError('custom.esbuild', 'the settings of esbuild expected');
  // The first two are serverless-esbuild's own, and so is how it takes the next two.
  const { outputFileExtension: extension, skipRebuild: _, exclude = [], plugins, ...settings } = given;
  const folder = dirname(resolve(serviceFile));
  const pluginFile = typeof plugins === 'string' ? [join(folder, plugins)] : [];
  return {
    settings: {
      ...(settings as BuildOptions),
      absWorkingDir: folder,
      outExtension: { '.js': String(extension) },
      external: exclude as string[],
      plugins: pluginFile.flatMap((file) => require(file)),
    },
    pluginFile,
  };
}

function inputOf(entry: BundleEntry): BuildOptions {
  if (entry.kind === 'file') return { entryPoints: { [START]: entry.path } };
  // It would be named stdin.
  return { stdin: { contents: entry.source, resolveDir: entry.folder }, entryNames: START };
}
