// Reads serverless.yml with its files in infrastructure/, and resolves its ${variables} with the reader of osls itself.
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

/** The content after variable resolution: plain JSON that still holds CloudFormation intrinsics. */
export interface ServerlessConfiguration {
  service: string;
  provider: Record<string, unknown>;
  params?: Record<string, Record<string, unknown>>;
  functions?: unknown;
  resources?: unknown;
  [section: string]: unknown;
}

interface VariableRequest {
  address?: string;
  /** @param path of a property of the configuration, whose variables are resolved first */
  resolveConfigurationProperty(path: string[]): Promise<unknown>;
}

interface VariableSource {
  resolve(request: VariableRequest): Promise<{ value: unknown }> | { value: unknown };
}

const require = createRequire(import.meta.url);

/** As with `serverless --param`: given parameters win over those of the stage, and these win over `params.default`. */
export async function readConfiguration(
  path: string,
  params: Record<string, string> = {},
  stage?: string,
): Promise<ServerlessConfiguration> {
  const file = resolve(path);
  // Private modules of osls, which continues serverless 3. Its comment calls the resolver "handy for side resolution".
  const read: (
    path: string,
  ) => Promise<ServerlessConfiguration> = require('serverless/lib/configuration/read.js');
  const resolveVariables: (
    input: object,
  ) => Promise<void> = require('serverless/lib/configuration/variables/index.js');
  const configuration = await read(file);
  const options = stage === undefined ? {} : { stage };
  // A source of our own for `param`: that of osls needs a whole Serverless instance.
  const paramSource: VariableSource = {
    resolve: async ({ address, resolveConfigurationProperty }) => {
      const chosen = stage ?? String(configuration.provider?.stage ?? 'dev');
      const name = address ?? '';
      const inFile = async (section: string) => {
        const values = await resolveConfigurationProperty(['params', section]);
        return (values as Record<string, unknown> | null | undefined)?.[name];
      };
      return { value: params[name] ?? (await inFile(chosen)) ?? (await inFile('default')) ?? null };
    },
  };
  const source = (name: string): VariableSource =>
    require(`serverless/lib/configuration/variables/sources/${name}.js`);
  const slsSource: () => VariableSource = require('serverless/lib/configuration/variables/sources/instance-dependent/get-sls.js');
  await resolveVariables({
    serviceDir: dirname(file),
    configuration,
    options,
    sources: {
      env: source('env'),
      file: source('file'),
      opt: source('opt'),
      self: source('self'),
      strToBool: source('str-to-bool'),
      sls: slsSource(),
      param: paramSource,
    },
  });
  return configuration;
}
