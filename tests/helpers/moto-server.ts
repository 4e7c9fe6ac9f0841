// moto, an independent model of AWS in Python, where it is installed. It is on no user's machine.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** A busy machine takes a minute to load it. */
const START_MS = 300_000;

export const hasMoto = spawnSync('moto_server', ['--help'], { encoding: 'utf8' }).status === 0;
/** Behind the title of a test that needs it. */
export const motoNote = hasMoto ? '' : ' (skipped: moto_server is not installed)';

export interface MotoServer {
  endpoint: string;
  stop(): Promise<void>;
}

/** Starts it on a free port. */
export async function startMoto(): Promise<MotoServer> {
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const port = await portOf(child).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** It says where it listens, and goes on to log each request. */
function portOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`moto_server does not start:\n${said}`)), START_MS);
    const note = (chunk: Buffer): void => {
      if (said.length < 10_000) said += chunk.toString();
      const port = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(port);
    };
    child.stdout?.on('data', note);
    child.stderr?.on('data', note);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`moto_server ended with ${code}:\n${said}`)));
  });
}
