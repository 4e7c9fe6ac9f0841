// Packages serverless.yml as `npm run package` does, in a folder of its own, with every way to a network or an account cut.
import { execFile } from 'node:child_process';
import { cp, glob, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HOUSE = fileURLToPath(new URL('../../', import.meta.url));
const NEEDED = ['functions', 'shared', 'package.json', 'serverless.yml', 'infrastructure'];

/** Loaded into osls before anything else: whatever reaches out is refused at once, and says so. */
const NO_NETWORK =
  "import net from 'node:net'; import dns from 'node:dns'; const refuse = () => { throw new Error('packaging went to the network'); };" +
  'net.Socket.prototype.connect = refuse; dns.lookup = refuse; dns.promises.lookup = refuse;';

export interface PackagedService {
  template: Template;
  /** A built file by its name, as `cloudformation-template-create-stack.json`. */
  readBuilt(name: string): Promise<Buffer>;
  readZip(functionName: string): Promise<Buffer>;
  remove(): Promise<void>;
}

export interface Template {
  Resources: Record<string, Resource>;
  Outputs: Record<string, unknown>;
}

export interface Resource {
  Type: string;
  DependsOn?: string | string[];
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
  Properties: Record<string, unknown>;
}

/** @throws with osls' own words when packaging fails */
export const packageService = (params: Record<string, string> = {}): Promise<PackagedService> =>
  packageCopy(params, async () => undefined);

/**
 * For tests that read the template and no zip. What the functions import is not bundled, which takes as long as the rest; the
 * template says nothing of it.
 */
export async function packageTemplate(
  params: Record<string, string> = {},
): Promise<Pick<PackagedService, 'template' | 'remove'>> {
  return packageCopy(params, async (folder) => {
    for await (const handler of glob('functions/*/handler.ts', { cwd: folder }))
      await writeFile(path.join(folder, handler), 'export const handler = async () => undefined;');
  });
}

async function packageCopy(
  params: Record<string, string>,
  change: (folder: string) => Promise<void>,
): Promise<PackagedService> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spillway-package-'));
  for (const name of NEEDED) await cp(path.join(HOUSE, name), path.join(folder, name), { recursive: true });
  await symlink(path.join(HOUSE, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  await change(folder);
  await mkdir(path.join(folder, 'tmp'));
  const remove = () => rm(folder, { recursive: true, force: true });

  const osls = path.join(HOUSE, 'node_modules/serverless/bin/serverless.js');
  const given = Object.entries(params).map(([name, value]) => `--param=${name}=${value}`);
  try {
    await run(process.execPath, [osls, 'package', ...given], { cwd: folder, env: bareEnvironment(folder) });
    const built = path.join(folder, '.serverless');
    const template = await readFile(path.join(built, 'cloudformation-template-update-stack.json'), 'utf8');
    return {
      template: JSON.parse(template) as Template,
      readBuilt: (name) => readFile(path.join(built, name)),
      readZip: (functionName) => readFile(path.join(built, `${functionName}.zip`)),
      remove,
    };
  } catch (error) {
    await remove();
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`serverless package failed:\n${stdout ?? ''}${stderr ?? String(error)}`);
  }
}

/** No credentials, no profile, no home to find them in. */
function bareEnvironment(home: string): NodeJS.ProcessEnv {
  // The cache of compiled code saves a third of osls' time.
  const kept = Object.entries(process.env).filter(
    ([name]) => name === 'NODE_COMPILE_CACHE' || !/^(AWS_|SLS_|SERVERLESS_|VITEST|NODE_)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    // serverless-esbuild leaves a folder there for each zip.
    TMPDIR: path.join(home, 'tmp'),
    TEMP: path.join(home, 'tmp'),
    TMP: path.join(home, 'tmp'),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(NO_NETWORK)}`,
  };
}
