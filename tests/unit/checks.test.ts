// Every check of the gate is seen to fail: a fault is planted in a small house with the project's own rules.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const HOUSE = fileURLToPath(new URL('../../', import.meta.url));
const RULES = ['biome.json', 'oxlint.config.ts', 'tsconfig.json', 'knip.json', '.gitignore'];
const { scripts } = JSON.parse(readFileSync(path.join(HOUSE, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** A house that has nothing wrong with it. */
const CLEAN: Record<string, string> = {
  'shared/aws/clients.ts': `// Makes the clients.
import { SQSClient } from '@aws-sdk/client-sqs';

export const createSqsClient = (): SQSClient => new SQSClient({});
`,
  'shared/queue/send.ts': `// Sends a message.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

export async function send(client: SQSClient, text: string): Promise<void> {
  await client.send(new SendMessageCommand({ QueueUrl: 'queue', MessageBody: text }));
}
`,
  'shared/pacing/pace.ts': `// Says how long to wait.
export const delayMs = (attempt: number): number => 2 ** attempt;
`,
  'functions/ingest/handler.ts': `// Says what it was given.
import { createSqsClient } from '../../shared/aws/clients.ts';
import { delayMs } from '../../shared/pacing/pace.ts';
import { send } from '../../shared/queue/send.ts';

export const handler = async (event: { attempt: number }): Promise<void> => {
  await send(createSqsClient(), String(delayMs(event.attempt)));
};
`,
  'local/start.ts': `// Starts a function.
import { handler } from '../functions/ingest/handler.ts';

export const start = (): Promise<void> => handler({ attempt: 1 });
`,
  'lab/compare.ts': `// Compares.
import { delayMs } from '../shared/pacing/pace.ts';

export const compared = (): number => delayMs(1);
`,
  'shared/job/id.ts': `// Names a job.
export const used = 1;
`,
  'cli/main.ts': `// Starts all.
import { compared } from '../lab/compare.ts';
import { start } from '../local/start.ts';
import { used } from '../shared/job/id.ts';
import { out } from './terminal/terminal.ts';

await start();
out(String(compared() + used));
`,
  'cli/terminal/terminal.ts': `// Prints.
export const out = (text: string): boolean => process.stdout.write(text);
`,
};

/** check, what is wrong, where it is planted, how it is written, and what the check has to say of it. */
type Fault = [check: string, fault: string, file: string, text: string, message: RegExp];
let printed = 0;
/** Each in a file of its own, so that each rule is seen to find it. */
const printing = (text: string, by: string): Fault[] => [
  ['lint', `a command that prints by ${by}`, `cli/print-${printed++}.ts`, text, /Commands print through/],
];
/** The rooms of shared/, lowest first: none may import from one behind it. */
const ROOMS = [
  ...['time', 'text', 'keys', 'attributes', 'pacing', 'aws', 'manifest', 'job'],
  ...['transfer', 'sources', 'queue', 'ledger', 'report', 'blocks'],
];
const STAGES = ['ingest', 'upload', 'settle', 'sweep', 'dead-letters', 'api'];
const FAULTS: Fault[] = [
  ...ROOMS.slice(0, -1).map((room, at): Fault => {
    const above = ROOMS[at + 1];
    const text = `import '../${above}/${above}.ts';`;
    return [
      'lint',
      `${room}/ importing from ${above}/`,
      `shared/${room}/above.ts`,
      text,
      new RegExp(`${room}/`),
    ];
  }),
  [
    'lint',
    'a folder of a room importing from above',
    'shared/keys/in/up.ts',
    "import '../../job/id.ts';",
    /keys\//,
  ],
  ...STAGES.map((stage, at): Fault => {
    const other = STAGES[(at + 1) % STAGES.length];
    const text = `import '../${other}/handler.ts';`;
    return [
      'lint',
      `${stage} importing ${other}`,
      `functions/${stage}/other.ts`,
      text,
      /No stage imports another/,
    ];
  }),
  [
    'lint',
    'the glue of all functions importing a stage',
    'functions/runtime/stage.ts',
    "import '../ingest/handler.ts';",
    /runtime\/ is the Lambda glue/,
  ],
  [
    'lint',
    'the table of routes importing Lambda code',
    'functions/api/routes.ts',
    "import './json-api.ts';",
    /routes\.ts is the table/,
  ],
  ...['aws-lambda', '@middy/core', '@aws-lambda-powertools/logger'].map(
    (name, at): Fault => [
      'lint',
      `shared importing ${name}`,
      `shared/queue/lambda-${at}.ts`,
      `import '${name}';`,
      /shared\/ knows no Lambda/,
    ],
  ),
  [
    'lint',
    'the model of a job making requests',
    'shared/job/net.ts',
    "import 'node:https';",
    /This room is pure/,
  ],
  [
    'lint',
    "the ledger's sets reading AWS",
    'shared/ledger/tally.ts',
    "import '@aws-sdk/client-dynamodb';",
    /pure/,
  ],
  ['format', 'bad layout', 'lab/layout.ts', 'export const  wide={a:1}', /format/i],
  [
    'format',
    'an unused import',
    'lab/import.ts',
    "import path from 'node:path';\n\nexport const a = 1;",
    /noUnusedImports/,
  ],
  ['format', 'an unused variable', 'lab/variable.ts', 'const a = 1;', /noUnusedVariables/],
  ['format', 'the large zod', 'lab/zod.ts', "import 'zod';", /Import zod\/mini/],
  [
    'format',
    'an explicit any',
    'lab/any.ts',
    'export const loose = (value: any): string => String(value);',
    /noExplicitAny/,
  ],
  [
    'format',
    'a type that is imported as a value',
    'cli/type.ts',
    "import { Stats } from 'node:fs';\n\nexport const size = (of: Stats): number => of.size;",
    /useImportType/,
  ],
  ['format', 'a default export', 'lab/default.ts', 'export default 1;', /noDefaultExport/],
  [
    'format',
    'a file name in another case',
    'lab/otherCase.ts',
    'export const a = 1;',
    /useFilenamingConvention/,
  ],
  ['format', 'a barrel', 'lab/barrel.ts', "export * from './compare.ts';", /noReExportAll/],
  ['types', 'a type error', 'lab/wrong.ts', 'export const text: string = 1;', /TS2322/],
  [
    'types',
    'an index that may miss',
    'lab/index.ts',
    'export const first = (of: string[]): string => of[0];',
    /TS2322/,
  ],
  ['types', 'TypeScript that Node cannot strip', 'lab/enum.ts', 'export enum Colour {\n  Red,\n}', /TS1294/],
  ['types', 'an error in JavaScript', 'cli/plain.js', "export const size = Math.round('1');", /TS2345/],
  [
    'unused',
    'an export that nobody uses',
    'shared/job/id.ts',
    'export const used = 1;\nexport const forgotten = 1;',
    /forgotten/,
  ],
  ['unused', 'a file that nobody imports', 'shared/job/lost.ts', 'export const lost = 1;', /lost\.ts/],
  [
    'lint',
    'a promise that nobody awaits',
    'lab/floating.ts',
    'const later = async () => 1;\nlater();',
    /no-floating-promises/,
  ],
  [
    'lint',
    'a request of the SDK that nobody awaits',
    'functions/lost-work.ts',
    "import { type SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';\n\nexport const lose = (client: SQSClient): void => {\n  client.send(new SendMessageCommand({ QueueUrl: 'q', MessageBody: '' }));\n};",
    /no-floating-promises/,
  ],
  [
    'lint',
    'a callback whose promise is dropped',
    'lab/callback.ts',
    '[1].forEach(async () => 1);',
    /no-misused-promises/,
  ],
  [
    'lint',
    'a switch that forgets a case',
    'lab/switch.ts',
    "export function name(kind: 'a' | 'b'): void {\n  switch (kind) {\n    case 'a':\n      break;\n  }\n}",
    /switch-exhaustiveness-check/,
  ],
  [
    'lint',
    'shared importing from functions',
    'shared/job/up.ts',
    "import '../../functions/ingest/handler.ts';",
    /shared\/ is the domain/,
  ],
  [
    'lint',
    'shared importing a type from local',
    'shared/job/type.ts',
    "export type { start } from '../../local/start.ts';",
    /shared\/ is the domain/,
  ],
  [
    'lint',
    'the clients’ room importing from functions',
    'shared/aws/up.ts',
    "import '../../functions/ingest/handler.ts';",
    /shared\/ is the domain/,
  ],
  [
    'lint',
    'a pure room importing from local',
    'shared/pacing/up.ts',
    "import '../../local/start.ts';",
    /shared\/ is the domain/,
  ],
  [
    'lint',
    'functions importing from local',
    'functions/up.ts',
    "import '../local/start.ts';",
    /functions\/ is what is deployed/,
  ],
  [
    'lint',
    'functions importing lazily from local',
    'functions/lazy.ts',
    "export const load = () => import('../local/start.ts');",
    /functions\/ is what is deployed/,
  ],
  [
    'lint',
    'functions importing from tests',
    'functions/tests.ts',
    "import '../tests/helpers/zip.ts';",
    /functions\/ is what is deployed/,
  ],
  [
    'lint',
    'local importing from lab',
    'local/lab.ts',
    "import '../lab/compare.ts';",
    /local\/ is AWS on one machine/,
  ],
  ['lint', 'lab importing from cli', 'lab/cli.ts', "import '../cli/main.ts';", /lab\/ tries/],
  [
    'lint',
    'a client made in the domain',
    'shared/queue/client.ts',
    "import { SQSClient as Made } from '@aws-sdk/client-sqs';\n\nexport const made = new Made({});",
    /Only shared\/aws and functions\//,
  ],
  [
    'lint',
    'all of the SDK imported in the domain',
    'shared/queue/all.ts',
    "import * as sqs from '@aws-sdk/client-sqs';\n\nexport const made = new sqs.SQSClient({});",
    /Only shared\/aws and functions\//,
  ],
  [
    'lint',
    'pacing that reads files',
    'shared/pacing/files.ts',
    "import 'node:fs/promises';",
    /This room is pure/,
  ],
  [
    'lint',
    'spread that goes to the network',
    'shared/keys/network.ts',
    "import 'node:http';",
    /This room is pure/,
  ],
  [
    'lint',
    'manifest parsing that knows AWS',
    'shared/manifest/aws.ts',
    "import '@aws-sdk/client-sqs';",
    /This room is pure/,
  ],
  [
    'lint',
    'pacing that sets a timer',
    'shared/pacing/timer.ts',
    'export const wait = () => setTimeout(() => undefined, 1);',
    /Time and chance come in/,
  ],
  [
    'lint',
    'the domain reading the clock',
    'shared/queue/now.ts',
    'export const now = (): number => Date.now();',
    /Time and chance come in/,
  ],
  [
    'lint',
    'the domain throwing dice',
    'shared/queue/dice.ts',
    'export const roll = (): number => Math.random();',
    /Time and chance come in/,
  ],
  ...['cli', 'lab'].map(
    (room): Fault => [
      'lint',
      `${room}/ measuring by a clock that can be set`,
      `${room}/since.ts`,
      'export const sinceMs = (startedAtMs: number): number => Date.now() - startedAtMs;',
      /The machine can set this clock/,
    ],
  ),
  ['format', 'a command that prints by console', 'cli/say.ts', "console.error('x');", /noConsole/],
  ...['cli', 'lab'].flatMap((room) =>
    [
      "import { writeFile } from 'node:fs/promises';\n\nawait writeFile('a', 'x');",
      "import { createWriteStream } from 'node:fs';\n\ncreateWriteStream('a').end('x');",
    ].map(
      (text, at): Fault => [
        'lint',
        `${room}/ writing a file that may be cut`,
        `${room}/write-${at}.ts`,
        text,
        /Files are written by cli\/files\.ts alone/,
      ],
    ),
  ),
  ...printing("console.log('x');", 'console'),
  ...printing('export const say = console;', 'console by another name'),
  ...printing("globalThis.console.log('x');", 'the global console'),
  ...printing("process.stdout.write('x');", 'stdout'),
  ...printing("process.stderr.write('x');", 'stderr'),
  ...printing("process['stdout'].write('x');", 'stdout by its name'),
  ...printing('export const { stderr } = process;', 'stderr by another name'),
  ...printing("globalThis.process.stdout.write('x');", "the global process's stdout"),
  ...printing("import { stdout } from 'node:process';\n\nstdout.write('x');", 'an imported stdout'),
  ...printing(
    "import { Console } from 'node:console';\n\nexport const own = Console;",
    'a console of its own',
  ),
  ...printing(
    "import { WriteStream } from 'node:tty';\n\nexport const own = WriteStream;",
    'a stream of its own',
  ),
  ...printing("import { writeSync } from 'node:fs';\n\nwriteSync(1, 'x');", 'a file descriptor'),
  ...printing("import * as fs from 'node:fs';\n\nfs.writeSync(1, 'x');", 'a file descriptor, by all of fs'),
  [
    'lint',
    'a command that prints to the stream of progress bars',
    'cli/bar.ts',
    "import { terminal } from './terminal/terminal.ts';\n\nterminal.barStream.write('x');",
    /Nothing is escaped there/,
  ],
  [
    'lint',
    'text that goes to the network',
    'shared/text/network.ts',
    "import 'node:http';",
    /This room is pure/,
  ],
  [
    'lint',
    'modules that import each other',
    'lab/round.ts',
    "import { about } from './about.ts';\n\nexport const round = () => about();",
    /no-cycle/,
  ],
];
/** The other half of the circle. */
const ABOUT = "import { round } from './round.ts';\n\nexport const about = (): unknown => round();\n";

/** One finding a line, each with its file. */
const REPORTER: Record<string, string[]> = {
  format: ['--reporter=github', '--max-diagnostics=none'],
  lint: ['--format=json'],
  types: ['--pretty', 'false'],
  unused: ['--reporter=compact'],
};
const CHECKS = Object.keys(REPORTER);
/** Four tools take about 4 s on an idle machine. */
const SLOW_MS = 60_000;

interface Result {
  exitCode: number;
  output: string;
}

function buildHouse(files: Record<string, string>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-checks-'));
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  };
  for (const name of RULES) cpSync(path.join(HOUSE, name), path.join(folder, name));
  symlinkSync(path.join(HOUSE, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  const [dependencies, devDependencies] = [{ '@aws-sdk/client-sqs': '*' }, { oxlint: '*' }];
  const start = { start: 'node cli/main.ts' };
  write(
    'package.json',
    `${JSON.stringify({ name: 'house', type: 'module', scripts: start, dependencies, devDependencies }, null, 2)}\n`,
  );
  for (const [file, text] of Object.entries(files)) write(file, text);
  return folder;
}

/** Runs a script of package.json in a small house, on this Node. */
function runCheck(folder: string, name: string): Promise<Result> {
  const [, launcher = '', ...given] = (scripts[`check:${name}`] ?? '').split(' ');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(HOUSE, launcher), ...given, ...(REPORTER[name] ?? [])],
      { cwd: folder, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) => {
        resolve({
          exitCode: error === null ? 0 : Number(error.code),
          output: findings(name, `${stdout}${stderr}`),
        });
      },
    );
  });
}

/** oxlint keeps the sentence that says why out of its short formats. */
function findings(name: string, output: string): string {
  if (name !== 'lint' || !output.startsWith('{')) return output;
  const { diagnostics } = JSON.parse(output) as { diagnostics: Record<string, string>[] };
  return diagnostics
    .map(({ filename, code, message, help }) =>
      `${filename}: ${code} ${message} ${help ?? ''}`.replaceAll('\n', ' '),
    )
    .join('\n');
}

async function runChecks(files: Record<string, string>): Promise<Record<string, Result>> {
  const folder = buildHouse(files);
  try {
    const results: Record<string, Result> = {};
    for (const name of CHECKS) results[name] = await runCheck(folder, name);
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it(
  'finds nothing in a house that keeps the rules',
  async () => {
    const results = await runChecks(CLEAN);
    for (const name of CHECKS) expect(results[name], name).toMatchObject({ exitCode: 0 });
  },
  SLOW_MS,
);

it('runs every check, and the tests, as one gate that writes nothing', () => {
  const gate = `${scripts['check']} ${scripts['check:static']}`;
  for (const name of CHECKS) expect(gate).toContain(`npm run check:${name}`);
  expect(gate).toContain('npm test');
  expect(Object.values(scripts).join(' ')).not.toMatch(/--write|--fix/);
});

describe('a planted fault', () => {
  let results: Record<string, Result>;
  beforeAll(async () => {
    const planted = FAULTS.map(([, , file, text]) => [file, `// Planted.\n${text}\n`]);
    results = await runChecks({ ...CLEAN, ...Object.fromEntries(planted), 'lab/about.ts': ABOUT });
  }, SLOW_MS);

  it.each(CHECKS)('makes check:%s exit with a failure', (name) => {
    expect(results[name]?.exitCode).toBeGreaterThan(0);
  });

  it.each(FAULTS)('is found by check:%s: %s', (name, _fault, file, _text, message) => {
    const about = (results[name]?.output ?? '').split('\n').filter((line) => line.includes(file));
    expect(about.filter((line) => !line.startsWith('::notice')).join('\n')).toMatch(message);
  });
});
