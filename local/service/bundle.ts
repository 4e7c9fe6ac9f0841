// Bundles code as serverless-esbuild does when it packages serverless.yml: the settings are those of that file.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { isRecord } from '../../shared/text/parse-json.ts';
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
  const settings = await bundleSettings(serviceFile);
  return async (entry, outfile) => {
    const { metafile } = await build({ ...settings, ...inputOf(entry), outfile, metafile: true });
    return Object.values(metafile.outputs)[0]?.bytes ?? 0;
  };
}

/**
 * Has the functions run as they are packaged: their models then name bundles in a folder of their own.
 * @returns removes that folder
 */
export async function bundleFunctions(
  serviceFile: string,
  functions: Record<string, FunctionModel>,
): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-functions-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const models = Object.entries(functions);
    // In one build: what the functions share is parsed once.
    await build({
      ...(await bundleSettings(serviceFile)),
      entryPoints: Object.fromEntries(models.map(([name, { handlerFile }]) => [name, handlerFile])),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      // The error says what was wrong.
      logLevel: 'silent',
    });
    for (const [name, model] of models) model.handlerFile = join(folder, `${name}.mjs`);
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

async function bundleSettings(serviceFile: string): Promise<BuildOptions> {
  const { custom } = await readConfiguration(serviceFile);
  const given = isRecord(custom) ? custom['esbuild'] : undefined;
  if (!isRecord(given)) throw new ServiceModelError('custom.esbuild', 'the settings of esbuild expected');
  // The first four are serverless-esbuild's own.
  const { outputFileExtension: _, skipRebuild: __, exclude = [], plugins, ...settings } = given;
  const folder = dirname(resolve(serviceFile));
  return {
    ...(settings as BuildOptions),
    absWorkingDir: folder,
    external: exclude as string[],
    plugins: typeof plugins === 'string' ? require(join(folder, plugins)) : [],
  };
}

function inputOf(entry: BundleEntry): BuildOptions {
  if (entry.kind === 'file') return { entryPoints: [entry.path] };
  return { stdin: { contents: entry.source, resolveDir: entry.folder } };
}
