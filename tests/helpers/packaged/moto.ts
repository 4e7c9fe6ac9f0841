// moto, an emulation of AWS in Python that is independent of this project: its server in a process, and the calls for which the
// project has no SDK client (CloudFormation, Lambda).
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const REGION = 'us-east-1';
/** moto's only account. */
export const MOTO_ACCOUNT_ID = '123456789012';
/** Bounds a server that hangs: a busy machine takes seconds. */
const START_MS = 120_000;
const LOG_LINES = 40;
/** Ends with its parent, also where that is killed: then its input closes. */
const SERVER = [
  'import os, sys, threading',
  'from moto.server import main',
  'threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()',
  "main(['-H', '127.0.0.1', '-p', '0'])",
].join('\n');

export interface Moto {
  /** http://127.0.0.1:PORT */
  endpoint: string;
  clientConfig: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
  /** A call of CloudFormation's query API; the answer is XML. @throws with moto's words where it fails */
  cloudFormation(action: string, parameters: Record<string, string>): Promise<string>;
  /** A call of Lambda's REST API. @throws with moto's words where it fails */
  lambda<T>(method: string, path: string, body?: object): Promise<T>;
  stop(): Promise<void>;
}

/** @returns its version; undefined where Python or moto's server is not installed */
export function motoVersion(): string | undefined {
  const script = 'import moto, moto.server; print(moto.__version__)';
  const { status, stdout } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

export async function startMoto(): Promise<Moto> {
  const child = spawn('python3', ['-u', '-c', SERVER], {
    // No credentials, profile or region of the user's: moto reads them too.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|MOTO)_/.test(name))),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines: string[] = [];
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const endpoint = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`moto's server ${why}:\n${lines.join('\n')}`));
    const timer = setTimeout(() => fail(`did not start within ${START_MS / 1000} s`), START_MS);
    child.once('error', (error) => fail(`did not start: ${error.message}`));
    void ended.then(() => fail('ended'));
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      if (lines.length > LOG_LINES) lines.shift();
      const [, found] = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line) ?? [];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });

  async function send(service: string, method: string, path: string, body?: string): Promise<string> {
    const answer = await fetch(`${endpoint}${path}`, {
      method,
      headers: {
        // moto chooses the service by the scope of the signature, which it does not check.
        authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
        'content-type': service === 'lambda' ? 'application/json' : 'application/x-www-form-urlencoded',
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new Error(`${service} ${method} ${path} answered ${answer.status}: ${text.slice(0, 2000)}`);
    return text;
  }

  return {
    endpoint,
    clientConfig: {
      endpoint,
      region: REGION,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    },
    cloudFormation: (action, parameters) =>
      send(
        'cloudformation',
        'POST',
        '/',
        new URLSearchParams({ Action: action, Version: '2010-05-15', ...parameters }).toString(),
      ),
    lambda: async <T>(method: string, path: string, body?: object) =>
      JSON.parse(
        await send('lambda', method, path, body === undefined ? undefined : JSON.stringify(body)),
      ) as T,
    stop,
  };
}
