// Reads serverless.yml and resolves its ${variables} with the framework's own reader, so that both agree on what the file says.
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

/** The file's content after variable resolution: plain JSON, CloudFormation intrinsics still in place. */
export interface ServerlessConfiguration {
  service: string;
  provider: Record<string, unknown>;
  params?: Record<string, Record<string, unknown>>;
  functions?: unknown;
  resources?: unknown;
  [section: string]: unknown;
}

interface VariableSource {
  resolve(request: { address?: string }): Promise<{ value: unknown }> | { value: unknown };
}

const require = createRequire(import.meta.url);

/** Parameters given win over the stage's, and those over `params.default`, as with `serverless --param`. */
export async function readConfiguration(
  path: string,
  params: Record<string, string> = {},
  stage?: string,
): Promise<ServerlessConfiguration> {
  const file = resolve(path);
  // Private modules of osls (serverless 3 continued); its comment calls the resolver "handy for side resolution".
  const read: (
    path: string,
  ) => Promise<ServerlessConfiguration> = require('serverless/lib/configuration/read.js');
  const resolveVariables: (
    input: object,
  ) => Promise<void> = require('serverless/lib/configuration/variables/index.js');
  const configuration = await read(file);
  const options = stage === undefined ? {} : { stage };
  // The `param` source is left out of the side resolver, because it wants a whole Serverless instance.
  const paramSource: VariableSource = {
    resolve: async ({ address }) => {
      const chosen = stage ?? String(configuration.provider?.stage ?? 'dev');
      const name = address ?? '';
      const value =
        params[name] ?? configuration.params?.[chosen]?.[name] ?? configuration.params?.default?.[name];
      return { value: value ?? null };
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
