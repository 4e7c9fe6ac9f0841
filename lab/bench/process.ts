// Runs another program for a bounded time, and nothing of it is left behind.
import { spawn } from 'node:child_process';
import { CREDENTIALS, REGION } from './contestant.ts';

/** A program that has not ended by then is killed: what it has stored until then counts. */
const MOST_MS = 300_000;
const ERROR_CHARACTERS = 400;
/** Only this process gets these signals: the program is in another group. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface ProcessEnd {
  code: number | null;
  isKilled: boolean;
  /** The end of what it said. */
  said: string;
}

/** @throws where this process is told to end meanwhile: the program is killed before */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<ProcessEnd> {
  const { AWS_CA_BUNDLE: _, ...inherited } = process.env; // rclone stops at it
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that its children end with it.
    detached: true,
    env: {
      ...inherited,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      ...env,
    },
  });
  let said = '';
  const note = (text: Buffer) => {
    said = (said + text.toString()).slice(-ERROR_CHARACTERS);
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  let isKilled = false;
  const kill = () => {
    isKilled = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(kill, MOST_MS);
  const { promise: ended, resolve, reject } = Promise.withResolvers<ProcessEnd>();
  child.once('error', reject);
  child.once('close', (code) => resolve({ code, isKilled, said }));
  const interrupt = (signal: NodeJS.Signals) => {
    reject(new Error(`${program} was ended by ${signal}`));
    kill();
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, interrupt);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
    for (const signal of ENDING_SIGNALS) process.off(signal, interrupt);
  }
}

export async function isInstalled(program: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await runProgram(program, args)).code === 0;
  } catch {
    return false;
  }
}
