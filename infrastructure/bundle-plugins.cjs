// What esbuild can't see for itself is unused in the SDK's clients. Each plugin makes every bundle smaller, and none changes what
// the code does. CommonJS, since serverless-esbuild loads it by require(), also on a Node that can't require an ES module.
const { readFile } = require('node:fs/promises');

/** A table of an SDK client: every shape and operation of the service. */
const SCHEMAS = /[\\/]@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/;
const PACKAGE_JSON = /[\\/]@aws-sdk[\\/]client-[^\\/]+[\\/]package\.json$/;

/** `const _hH = "httpHeader";` */
const TEXT_CONSTANT = /^const (\w+) = ("[^"\\]*");$/gm;
/** `{ [_hH]: …` or `, [_hH]: …` */
const COMPUTED_NAME = /(?<=[{,]\s)\[(\w+)\]: /g;

/**
 * Writes computed names of members as plain ones, where the name is a constant of the same file: `[_hH]: 1` becomes
 * `"httpHeader": 1`. To esbuild a computed name may run code, so it keeps all shapes of S3, of which upload uses a tenth.
 * @param {string} source
 */
function withPlainNames(source) {
  const texts = new Map(Array.from(source.matchAll(TEXT_CONSTANT), ([, name, text]) => [name, text]));
  return source.replace(COMPUTED_NAME, (computed, name) => {
    const text = texts.get(name);
    // As a plain name it would set the prototype.
    return text === undefined || text === '"__proto__"' ? computed : `${text}: `;
  });
}

/** @type {import('esbuild').Plugin} */
const plainNames = {
  name: 'plain-names',
  setup(build) {
    build.onLoad({ filter: SCHEMAS }, async ({ path }) => ({
      contents: withPlainNames(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};

/** The clients read their version there, and esbuild keeps the whole file for it. @type {import('esbuild').Plugin} */
const versionsAlone = {
  name: 'versions-alone',
  setup(build) {
    build.onLoad({ filter: PACKAGE_JSON }, async ({ path }) => {
      const { name, version } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ name, version }), loader: 'json' };
    });
  },
};

/**
 * The SDK imports the codec of event streams on demand, for operations that stream events: S3 Select alone, which no function
 * calls. Only that import is left out: the clients also import a part of it on load, which stays.
 * @type {import('esbuild').Plugin}
 */
const noEventStreams = {
  name: 'no-event-streams',
  setup(build) {
    build.onResolve({ filter: /^@smithy\/core\/event-streams$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

/**
 * Checks the checksums of web streams, which browsers have. Functions read Node's streams. On load it makes Node load its own web
 * streams, which takes a millisecond of every cold start.
 */
const WEB_CHECKSUMS = /[\\/]util-stream[\\/]checksum[\\/]createChecksumStream\.browser\.js$/;

/** @type {import('esbuild').Plugin} */
const noWebChecksums = {
  name: 'no-web-checksums',
  setup(build) {
    build.onLoad({ filter: WEB_CHECKSUMS }, () => ({
      contents: `export const createChecksumStream = () => {
        throw new Error('bundles have no checksums of web streams: infrastructure/bundle-plugins.cjs leaves them out');
      };`,
      loader: 'js',
    }));
  },
};

module.exports = [plainNames, versionsAlone, noEventStreams, noWebChecksums];
