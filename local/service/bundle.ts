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

/** What to bundle: a file, or source text whose imports are resolved in a folder. */
export type BundleEntry = { kind: 'file'; path: string } | { kind: 'text'; source: string; folder: string };

/**
 * @param serviceFile path of a serverless.yml
 * @returns bundles one entry into `outfile`, and gives its size in bytes
 * @throws ServiceModelError where the file has no settings for esbuild
 */
export async function createBundler(
  serviceFile: string,
): Promise<(entry: BundleEntry, outfile: string) => Promise<number>> {
  const { settings } = await bundleSettings(serviceFile);
  return async (entry, outfile) => {
    const { metafile } = await build({ ...settings, ...inputOf(entry), outfile, metafile: true });
    return Object.values(metafile.outputs)[0]?.bytes ?? 0;
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
      outExtension: { '.js': '.mjs' },
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

type Settings = BuildOptions & { absWorkingDir: string };

async function bundleSettings(serviceFile: string): Promise<{ settings: Settings; pluginFile: string[] }> {
  const { custom } = await readConfiguration(serviceFile);
  const given = isRecord(custom) ? custom['esbuild'] : undefined;
  if (!isRecord(given)) throw new ServiceModelError('custom.esbuild', 'the settings of esbuild expected');
  // The first four are serverless-esbuild's own.
  const { outputFileExtension: _, skipRebuild: __, exclude = [], plugins, ...settings } = given;
  const folder = dirname(resolve(serviceFile));
  const pluginFile = typeof plugins === 'string' ? [join(folder, plugins)] : [];
  return {
    settings: {
      ...(settings as BuildOptions),
      absWorkingDir: folder,
      external: exclude as string[],
      plugins: pluginFile.flatMap((file) => require(file)),
    },
    pluginFile,
  };
}

function inputOf(entry: BundleEntry): BuildOptions {
  if (entry.kind === 'file') return { entryPoints: [entry.path] };
  return { stdin: { contents: entry.source, resolveDir: entry.folder } };
}
