// Three things that Biome does not see: promises from other packages that nobody awaits, imports that cross the house's walls,
// and output of the commands past their terminal. Each wall has a sentence that says why it stands.
import { type DummyRuleMap, defineConfig } from 'oxlint';

/** In the order in which imports may point: each room may import from those after it; lab/ also from local/. */
const WALLS = {
  local: {
    closed: ['cli', 'lab'],
    why: 'local/ is AWS on one machine: it runs the functions and knows nothing of who started it.',
  },
  lab: {
    closed: ['cli'],
    why: 'lab/ tries strategies on the throttling S3 of local/; which command asked for it is not its concern.',
  },
  functions: {
    closed: ['cli', 'lab', 'local'],
    why: 'functions/ is what is deployed: it must run, and be bundled, without the emulators and the command line.',
  },
  shared: {
    closed: ['cli', 'lab', 'local', 'functions'],
    why: 'shared/ is the domain: it runs alike in the functions, the CLI and the lab, so it can know none of them.',
  },
} as const;

const CLIENTS = {
  '@aws-sdk/client-s3': ['S3Client', 'S3'],
  '@aws-sdk/client-sqs': ['SQSClient', 'SQS'],
  '@aws-sdk/client-dynamodb': ['DynamoDBClient', 'DynamoDB'],
  '@aws-sdk/client-eventbridge': ['EventBridgeClient', 'EventBridge'],
};

/**
 * The rooms of shared/, lowest first: each may import from those before it. With the sentence that says why nothing above
 * may be known there.
 */
const SHARED_ROOMS = {
  time: 'time/ is the clock and the chance that all others are given: it knows none of them.',
  text: 'text/ bounds and escapes text, whatever the text is about.',
  keys: 'keys/ makes the names of objects from text alone, so that any tool can make them again.',
  attributes: 'attributes/ says what is set on an object beside its bytes, wherever that is told.',
  pacing: 'pacing/ decides how fast requests may be sent; the simulator runs it without any request.',
  aws: 'aws/ knows services and their faults, and nothing of jobs.',
  manifest: 'manifest/ turns bytes into rows: the same bytes always give the same rows.',
  job: 'job/ is the model that all stages share: it knows none of the ways in which it is stored, sent or carried out.',
  transfer:
    'transfer/ writes objects and paces their requests: it knows neither their sources nor who records their ends.',
  sources: 'sources/ says where an object comes from: it knows nothing of queues, ledger and reports.',
  queue: 'queue/ sends and returns messages, whatever the ledger says of their items.',
  ledger: 'ledger/ books what has ended; it knows nothing of the files that tell why.',
  report: 'report/ writes outcomes and reports of rows that were judged elsewhere.',
  blocks: 'blocks/ is the uppermost room of shared/: only functions/ builds on it.',
} as const;
type SharedRoom = keyof typeof SHARED_ROOMS;

/** Same input, same output: no client, no file, no timer. */
const PURE_ROOMS: readonly SharedRoom[] = ['text', 'keys', 'attributes', 'pacing', 'manifest', 'job'];

const STAGES = ['ingest', 'upload', 'settle', 'sweep', 'dead-letters', 'api'];

/** Folders beside or above the importing file. */
function roomsBeside(rooms: readonly string[]): string {
  return `^(\\.\\./)+(${rooms.join('|')})/`;
}

function roomWall(room: SharedRoom) {
  const rooms = Object.keys(SHARED_ROOMS);
  const above = rooms.slice(rooms.indexOf(room) + 1);
  return above.length === 0 ? [] : [{ regex: roomsBeside(above), message: SHARED_ROOMS[room] }];
}

function stageWall(stage: string) {
  const others = STAGES.filter((other) => other !== stage);
  return {
    regex: roomsBeside(others),
    message:
      'No stage imports another: each is deployed alone, and what two of them share lies in shared/ or in functions/runtime/.',
  };
}

const runtimeWall = {
  regex: roomsBeside(STAGES),
  message: 'runtime/ is the Lambda glue of all functions: it knows no stage.',
};

const routesWall = {
  regex: '^(aws-lambda$|@middy/|@aws-lambda-powertools/|@aws-sdk/|\\./)',
  message:
    'routes.ts is the table that the client of the commands reads: it must load no Lambda code and no AWS client.',
};

const noLambda = {
  regex: '^(aws-lambda$|@middy/|@aws-lambda-powertools/)',
  message: 'shared/ knows no Lambda: the command, the lab and the simulator run it too.',
};

function wall(room: keyof typeof WALLS) {
  const { closed, why } = WALLS[room];
  return { group: [...closed, 'tests'].map((other) => `**/${other}/**`), message: why };
}

/** Clients carry retries, time limits and sockets, which are settled in one place. Commands and types are free. */
const noClients = Object.entries(CLIENTS).map(([name, importNames]) => ({
  name,
  importNames,
  allowTypeImports: true,
  message:
    'Only shared/aws and functions/ make AWS clients: elsewhere in shared/ a client comes in as a dependency.',
}));

const pure = {
  // Rust's regular expressions know no look-ahead: what is impure is named.
  regex:
    '^(@aws-sdk/|@smithy/|undici$|node:(fs|https?2?|net|tls|dgram|dns|timers|child_process|worker_threads|cluster|process|os)(/|$))',
  message:
    'This room is pure: same input, same output, with no files, network, timers or AWS, so that it can be simulated.',
};

const notPolicy =
  'Time and chance come in as Clock and Random, so that a test or a simulation can hold them.';
const timeAndChance: DummyRuleMap = {
  'no-restricted-globals': [
    'error',
    ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({ name, message: notPolicy })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: notPolicy },
    { object: 'Math', property: 'random', message: notPolicy },
  ],
};

const noDate = {
  object: 'Date',
  property: 'now',
  message:
    'The machine can set this clock at any moment. Durations go by steadyClock; what leaves the process is stamped by systemClock.',
};

const notTerminal =
  'Commands print through cli/terminal alone: text from outside could steer the terminal, so its characters are escaped there.';
const streams = ['stdout', 'stderr'].map((property) => ({
  object: 'process',
  property,
  message: notTerminal,
}));
const hiddenGlobals = ['globalThis', 'global'].flatMap((object) =>
  ['console', 'process'].map((property) => ({ object, property, message: notTerminal })),
);
const notWhole =
  'Files are written by cli/files.ts alone: whole or not at all, and with a remedy where the disk is full.';
const writing = [
  {
    name: 'node:fs',
    importNames: ['createWriteStream', 'writeFile', 'writeFileSync', 'appendFile', 'appendFileSync'],
  },
  { name: 'node:fs/promises', importNames: ['writeFile', 'appendFile'] },
].map((each) => ({ ...each, message: notWhole }));
const barStream = {
  object: 'terminal',
  property: 'barStream',
  message: 'Nothing is escaped there: it is for the progress bars of cli/progress.ts.',
};
const printing: DummyRuleMap = {
  'no-restricted-globals': ['error', { name: 'console', message: notTerminal }],
  'no-restricted-properties': ['error', ...streams, ...hiddenGlobals, barStream, noDate],
  'no-restricted-imports': [
    'error',
    {
      paths: [
        ...['node:console', 'console', 'node:process', 'process', 'node:tty', 'tty'].map((name) => ({
          name,
          message: notTerminal,
        })),
        ...['node:fs', 'fs'].map((name) => ({
          name,
          importNames: ['writeSync', 'writevSync'],
          message: notTerminal,
        })),
        ...writing,
      ],
    },
  ],
};

export default defineConfig({
  plugins: ['typescript', 'import'],
  categories: { correctness: 'off' },
  options: { typeAware: true },
  ignorePatterns: ['node_modules', '.serverless', '.esbuild', 'coverage'],
  rules: {
    // In Lambda a promise that nobody awaits is lost work: the environment is frozen when the handler answers.
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'import/no-cycle': 'error',
  },
  overrides: [
    // A test's switch may leave the rest to fall through.
    { files: ['tests/**'], rules: { 'typescript/switch-exhaustiveness-check': 'off' } },
    { files: ['local/**'], rules: { 'no-restricted-imports': ['error', { patterns: [wall('local')] }] } },
    {
      files: ['lab/**'],
      rules: {
        'no-restricted-imports': ['error', { patterns: [wall('lab')], paths: writing }],
        'no-restricted-properties': ['error', noDate],
      },
    },
    // What benchmarks write is theirs alone, and gone when they end.
    { files: ['lab/bench/**'], rules: { 'no-restricted-imports': ['error', { patterns: [wall('lab')] }] } },
    { files: ['cli/**'], rules: printing },
    { files: ['cli/terminal/terminal.ts'], rules: { 'no-restricted-properties': 'off' } },
    // Plain JavaScript for a Node that is too old for the rest; it prints its own text alone.
    { files: ['cli/bin.js', 'cli/node/*.js'], rules: { 'no-restricted-globals': 'off' } },
    {
      files: ['functions/**'],
      rules: { 'no-restricted-imports': ['error', { patterns: [wall('functions')] }] },
    },
    {
      files: ['functions/runtime/**'],
      rules: { 'no-restricted-imports': ['error', { patterns: [wall('functions'), runtimeWall] }] },
    },
    ...STAGES.map((stage) => ({
      files: [`functions/${stage}/**`],
      rules: {
        'no-restricted-imports': ['error', { patterns: [wall('functions'), stageWall(stage)] }],
      } satisfies DummyRuleMap,
    })),
    {
      files: ['functions/api/routes.ts'],
      rules: {
        'no-restricted-imports': ['error', { patterns: [wall('functions'), stageWall('api'), routesWall] }],
      },
    },
    { files: ['shared/**'], rules: timeAndChance },
    ...(Object.keys(SHARED_ROOMS) as SharedRoom[]).map((room) => ({
      files: [`shared/${room}/**`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              ...[wall('shared'), noLambda, ...roomWall(room)],
              ...(PURE_ROOMS.includes(room) ? [pure] : []),
            ],
            paths: room === 'aws' ? [] : noClients,
          },
        ],
      } satisfies DummyRuleMap,
    })),
    {
      files: ['shared/ledger/tally.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          { patterns: [wall('shared'), noLambda, ...roomWall('ledger'), pure], paths: noClients },
        ],
      },
    },
    {
      files: ['shared/time/*.ts'],
      rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
  ],
});
