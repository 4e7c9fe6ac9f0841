// Has `serverless invoke local` run a function on the embedded cloud, and on nothing else: `npx spillway up` has to run beside it.
// CommonJS, since osls loads plugins by require().
const { writeFileSync } = require('node:fs');
const path = require('node:path');

module.exports = class InvokeOnEmbeddedCloud {
  /**
   * @param {any} serverless
   * @param {{ function: string, data?: unknown }} options
   */
  constructor(serverless, options) {
    const isInvokeLocal = () => serverless.processedInput.commands.join(' ') === 'invoke local';
    /** @type {{ variables: Record<string, string>, adapted(event: unknown): unknown } | undefined} */
    let place;
    this.hooks = {
      // Before osls looks up credentials, and asks CloudFormation for what the environment refers to.
      initialize: async () => {
        if (!isInvokeLocal()) return;
        const { embeddedInvocation } = await import('../cli/up/invocation.ts');
        place = await embeddedInvocation(options, process.env);
        for (const name of ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SESSION_TOKEN'])
          delete process.env[name];
        Object.assign(process.env, place.variables);
        serverless.service.provider.environment = {};
        serverless.service.functions[options.function].environment = place.variables;
      },
      // Behind serverless-esbuild's, which bundles; and behind what --env has set.
      'before:invoke:local:invoke': () => {
        if (place === undefined) return;
        Object.assign(process.env, place.variables);
        options.data = place.adapted(options.data);
        // serverless-esbuild has made its folder that of the service. osls requires a file that ends in .js or .cjs, and the bundle is an ES module.
        const { handler } = serverless.service.functions[options.function];
        const bundle = path.join(serverless.serviceDir, handler.slice(0, handler.lastIndexOf('.')));
        writeFileSync(`${bundle}.cjs`, `module.exports = require('./${path.basename(bundle)}.mjs');\n`);
      },
    };
  }
};
