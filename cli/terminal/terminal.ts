// The only way to stdout and stderr. Lint rules forbid every other in cli/; what they can't see is caught by guard().
import { StringDecoder } from 'node:string_decoder';
import { redacted } from '../../shared/text/redacted.ts';
import { lostOutputText } from '../../shared/text/system-fault.ts';
import { visibleLines, visibleText } from '../../shared/text/visible.ts';
import { line, type TerminalText } from './text.ts';

export interface Terminal {
  /** Lines of the result, to stdout. */
  out(text: TerminalText): void;
  /** Lines beside the result, to stderr. */
  err(text: TerminalText): void;
  /** One JSON object on a line of stdout: same values, unseen characters escaped, sentences without credentials. */
  json(value: object): void;
  /** A value alone on its line of stdout: to a terminal escaped, to a pipe or file as it is, for scripts. */
  value(value: string): void;
  /** stderr for cli-progress, which moves the cursor: nothing that is written to it is escaped. */
  readonly barStream: NodeJS.WriteStream;
  /**
   * From now on all that others write to the streams is escaped but for its line feeds: console, dependencies, Node's
   * warnings. A reader of stdout that has gone ends the process without a fault; a stdout that can't be written, as on a full
   * disk, ends it with one line on stderr and exit code 1. Called once.
   */
  guard(process: GuardedProcess): void;
}

export interface Streams {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

type GuardedProcess = Pick<
  NodeJS.Process,
  'on' | 'listenerCount' | 'removeAllListeners' | 'exit' | 'exitCode'
>;

export function createTerminal({ stdout, stderr }: Streams): Terminal {
  // Held before the guard takes their place.
  const toStdout = stdout.write.bind(stdout);
  const toStderr = stderr.write.bind(stderr);
  const err = (text: TerminalText): void => void toStderr(`${text}\n`);
  return {
    out: (text) => void toStdout(`${text}\n`),
    err,
    json: (value) => void toStdout(`${visibleText(JSON.stringify(value, withoutCredentials))}\n`),
    value: (value) => void toStdout(`${stdout.isTTY ? visibleText(value) : value}\n`),
    barStream: Object.create(stderr, { write: { value: toStderr } }) as NodeJS.WriteStream,
    guard(process) {
      stdout.write = escaping(toStdout);
      stderr.write = escaping(toStderr);
      stdout.on('error', (error: NodeJS.ErrnoException) => {
        const lost = lostOutputText(error);
        // `spillway … | head` closes the pipe early: that is no failure of ours, and hides none.
        if (lost === undefined) return process.exit(process.exitCode ?? 0);
        err(line`spillway: ${lost}`);
        process.exit(process.exitCode || 1);
      });
      // stderr is where this would be reported. The exit code still says how it went.
      stderr.on('error', () => undefined);
      // Node's own listener writes past the streams. There is none where warnings are switched off.
      if (process.listenerCount('warning') === 0) return;
      process.removeAllListeners('warning');
      process.on('warning', ({ name, message }) => err(line`${name}: ${message}`));
    },
  };
}

export const terminal = createTerminal(process);

/** Sentences that others wrote. Keys and paths stay as they are: programs look objects up by them. */
const SENTENCES = new Set(['message', 'reason', 'spillway_message']);

function withoutCredentials(name: string, value: unknown): unknown {
  return SENTENCES.has(name) && typeof value === 'string' ? redacted(value) : value;
}

type Write = NodeJS.WriteStream['write'];

function escaping(write: Write): Write {
  const decoder = new StringDecoder('utf8');
  return (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
    const done = rest.find((each) => typeof each === 'function') as
      | ((error?: Error | null) => void)
      | undefined;
    return write(visibleLines(redacted(text)), done);
  };
}
