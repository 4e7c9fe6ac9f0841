// Other programs that put a folder into S3, at sensible settings: many requests at once, their own retries as they come,
// and no checks that the others do not make.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Contestant, CREDENTIALS, REGION, type Track } from './contestant.ts';
import { isInstalled, runProgram } from './process.ts';

const WORKERS = 32;
const MANY_WORKERS = 256;
const SPILLWAY = fileURLToPath(new URL('../../cli/bin.js', import.meta.url));

/** `spillway put` as a user runs it: a process of its own that reads the same files as the peers. */
export const ENGINE: Contestant = programContestant(
  'engine',
  process.execPath,
  ({ endpoint, folder, bucket }) => ({
    args: [SPILLWAY, 'put', folder, `s3://${bucket}`, '--endpoint-url', endpoint],
  }),
);

const PEERS: { program: string; probe: string[]; contestants: Contestant[] }[] = [
  {
    program: 's5cmd',
    probe: ['version'],
    contestants: [WORKERS, MANY_WORKERS].map((workers) =>
      programContestant(`s5cmd-${workers}`, 's5cmd', ({ endpoint, folder, bucket }) => ({
        args: [
          '--endpoint-url',
          endpoint,
          '--numworkers',
          String(workers),
          'cp',
          `${folder}/`,
          `s3://${bucket}/`,
        ],
      })),
    ),
  },
  {
    program: 'rclone',
    probe: ['version'],
    contestants: [
      programContestant('rclone', 'rclone', ({ endpoint, folder, bucket }) => ({
        args: ['copy', folder, `bench:${bucket}`, '--transfers', String(WORKERS), '--s3-no-check-bucket'],
        env: {
          RCLONE_CONFIG: '/dev/null',
          RCLONE_CONFIG_BENCH_TYPE: 's3',
          RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
          RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
          RCLONE_CONFIG_BENCH_REGION: REGION,
          RCLONE_CONFIG_BENCH_ENV_AUTH: 'true',
          RCLONE_CONFIG_BENCH_FORCE_PATH_STYLE: 'true',
        },
      })),
    ],
  },
  {
    program: 'aws',
    probe: ['--version'],
    contestants: [
      programContestant('aws', 'aws', async ({ endpoint, folder, bucket }) => {
        const config = path.join(path.dirname(folder), 'aws-config');
        await writeFile(
          config,
          `[default]\ns3 =\n  max_concurrent_requests = ${WORKERS}\n  addressing_style = path\n`,
        );
        return {
          args: [
            's3',
            'cp',
            folder,
            `s3://${bucket}/`,
            '--recursive',
            '--only-show-errors',
            '--endpoint-url',
            endpoint,
          ],
          env: { AWS_CONFIG_FILE: config },
        };
      }),
    ],
  },
  {
    program: 's3cmd',
    probe: ['--version'],
    contestants: [
      programContestant('s3cmd', 's3cmd', ({ endpoint, folder, bucket }) => {
        const host = new URL(endpoint).host;
        return {
          args: [
            ...[
              'put',
              '--recursive',
              `${folder}/`,
              `s3://${bucket}/`,
              '--quiet',
              '--no-ssl',
              '--config',
              '/dev/null',
            ],
            ...['--host', host, '--host-bucket', host, '--region', REGION],
            ...['--access_key', CREDENTIALS.accessKeyId, '--secret_key', CREDENTIALS.secretAccessKey],
          ],
        };
      }),
    ],
  },
];

export async function findPeers(): Promise<{ installed: Contestant[]; missing: string[] }> {
  const found = await Promise.all(
    PEERS.map(async (peer) => ({ ...peer, isThere: await isInstalled(peer.program, peer.probe) })),
  );
  return {
    installed: found.filter(({ isThere }) => isThere).flatMap(({ contestants }) => contestants),
    missing: found.filter(({ isThere }) => !isThere).map(({ program }) => program),
  };
}

interface ProgramCall {
  args: string[];
  env?: NodeJS.ProcessEnv;
}

function programContestant(
  name: string,
  program: string,
  call: (track: Track) => ProgramCall | Promise<ProgramCall>,
): Contestant {
  return {
    name,
    async run(track) {
      const { args, env } = await call(track);
      const { code, isKilled, said } = await runProgram(program, args, env);
      if (isKilled) console.error(`  ${name} was ended before it was done`);
      else if (code !== 0) console.error(`  ${name} ended with ${code}: ${said.trim()}`);
      return await track.read();
    },
  };
}
