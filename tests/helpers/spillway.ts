// Runs the `spillway` command as a user does: a process of its own, through the file that npx starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../cli/bin.js', import.meta.url));

export interface CommandRun {
  child: ChildProcess;
  /** What was written so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves once stdout or stderr holds the text; rejects if the command ends before. */
  until(text: string): Promise<void>;
  /** Resolves at the command's end, its output read to the end. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

export interface RunOptions {
  cwd: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  /** As many open files as the system allows it. */
  openFiles?: number;
}

export function startSpillway(args: string[], options: RunOptions): CommandRun {
  const command = [process.execPath, BIN, ...args];
  // $0 and what follows it reach the command unchanged.
  const limited = ['sh', '-c', `ulimit -n ${options.openFiles}; exec "$0" "$@"`, ...command];
  const [program = '', ...rest] = options.openFiles === undefined ? command : limited;
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const note = () => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    note();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    note();
  });
  const ended = new Promise<Awaited<CommandRun['ended']>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async until(text) {
      const found = new Promise<void>((resolve) => {
        const look = () => {
          if (stdout.includes(text) || stderr.includes(text)) resolve();
        };
        listeners.add(look);
        look();
      });
      const end = await Promise.race([found, ended]);
      if (end !== undefined && !stdout.includes(text) && !stderr.includes(text)) {
        throw new Error(`spillway ended (${end.code}) before it said ${JSON.stringify(text)}:\n${stderr}`);
      }
    },
  };
}

export function runSpillway(args: string[], options: RunOptions): CommandRun['ended'] {
  return startSpillway(args, options).ended;
}
