// What reaches stdout and stderr: values escaped and bounded, layout as it is, and nothing past the terminal.
import { EventEmitter } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeError, errorText, Failure } from '../../cli/failure.ts';
import { createProgress } from '../../cli/progress.ts';
import { createTerminal, type Streams } from '../../cli/terminal/terminal.ts';
import {
  joined,
  line,
  lines,
  MAX_VALUE_CHARACTERS,
  ownLines,
  padEnd,
  tableLines,
} from '../../cli/terminal/text.ts';
import { usageOutput } from '../../cli/usage.ts';

/** Writes the clipboard, clears the screen, forges a line. */
const HOSTILE = '\u001b]52;c;aGk=\u0007\u001b[2J\nspillway: all stored\u202e';
const SHOWN = '\\u001b]52;c;aGk=\\u0007\\u001b[2J\\u000aspillway: all stored\\u202e';

function setting({ isTTY = false } = {}) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) =>
    Object.assign(new EventEmitter(), {
      isTTY,
      columns: 200,
      write(chunk: string | Uint8Array, ...rest: unknown[]) {
        written[name] += String(chunk);
        const done = rest.at(-1);
        if (typeof done === 'function') done();
        return true;
      },
    }) as unknown as NodeJS.WriteStream;
  const streams: Streams = { stdout: stream('stdout'), stderr: stream('stderr') };
  const exits: unknown[] = [];
  const ofProcess = Object.assign(new EventEmitter(), {
    exitCode: undefined as number | undefined,
    exit: (code: unknown) => void exits.push(code),
  });
  const terminal = createTerminal(streams);
  const guard = () => terminal.guard(ofProcess as unknown as Parameters<typeof terminal.guard>[0]);
  return { terminal, streams, written, process: ofProcess, exits, guard };
}

describe('a line', () => {
  it('escapes values, and keeps its own layout', () => {
    expect(String(line`\n  ${HOSTILE}:\t${7}`)).toBe(`\n  ${SHOWN}:\t7`);
  });

  it('takes lines within it as they are', () => {
    const inner = lines([line`one ${'\t'}`, 'two']);
    expect(String(line`${inner}, ${joined(['a\n', 'b'], '\n  ')}`)).toBe('one \\u0009\ntwo, a\\u000a\n  b');
  });

  it('leaves out parts that are false, and takes none that are absent', () => {
    expect(String(lines(['one', false, 'two']))).toBe('one\ntwo');
    // @ts-expect-error: a value that was forgotten is not left out in silence.
    lines([undefined]);
  });

  it('shows the two ends of a value that is too long, with no character cut in two', () => {
    const long = String(line`${`${'🌊'.repeat(120_000)}tells what to do`}`);
    expect(long).toMatch(/^🌊+… \(\d+ characters left out\) …🌊+tells what to do$/u);
    expect(long.length).toBeLessThan(MAX_VALUE_CHARACTERS + 50);
    const left = Number(/\((\d+) /.exec(long)?.[1]);
    expect(long.replace(/… .* …/, '').length + left).toBe(240_000 + 'tells what to do'.length);
    // A key of S3 is shown whole.
    expect(String(line`${'k'.repeat(1_024)}`)).toBe('k'.repeat(1_024));
  });

  it('keeps no control character in several lines of its own but the line feed', () => {
    expect(String(ownLines('a\n\u001b[2Jb'))).toBe('a\n\\u001b[2Jb');
  });

  it('is no string that could be made elsewhere', () => {
    const { terminal } = setting();
    // @ts-expect-error a string is no text for the terminal
    terminal.out('plain');
    const forged = { toString: () => HOSTILE };
    // @ts-expect-error nor is an object that looks like one
    expect(String(line`${forged}`)).toBe(SHOWN);
  });

  it('is aligned by what is shown', () => {
    expect(
      tableLines(
        [
          ['a\n', 1],
          ['b', 100],
        ],
        [1],
      ).map(String),
    ).toEqual(['a\\u000a    1', 'b        100']);
    expect(`${padEnd('\t', 8)}|`).toBe('\\u0009  |');
  });
});

describe('the terminal', () => {
  it('writes lines to stdout and to stderr', () => {
    const { terminal, written } = setting();
    terminal.out(line`out ${HOSTILE}`);
    terminal.err(line`err ${HOSTILE}`);
    expect(written).toEqual({ stdout: `out ${SHOWN}\n`, stderr: `err ${SHOWN}\n` });
  });

  it('writes JSON of the same values on one line that is safe to look at', () => {
    const { terminal, written } = setting();
    const value = { [HOSTILE]: [HOSTILE, '\u0085\u2028\u200b\u{e0041}\ud800 é'], n: 1 };
    terminal.json(value);
    expect(JSON.parse(written.stdout)).toEqual(value);
    expect(written.stdout).toMatch(/^[ -~é]+\n$/);
  });

  it('hides credentials in all that it prints, but not in what programs look objects up by', () => {
    const { terminal, streams, written, guard } = setting();
    guard();
    const url = 'https://me:s3cret@host/';
    terminal.out(line`${url}`);
    terminal.err(errorText(new Failure('no proxy', { details: [url], cause: new Error(url) })));
    streams.stderr.write(`a dependency prints ${url}\n`);
    expect(written.stdout + written.stderr).not.toContain('s3cret');
    terminal.json({ failures: [{ path: url, message: `no proxy at ${url}` }], keys: [url] });
    expect(JSON.parse(written.stdout.split('\n')[1] ?? '')).toEqual({
      failures: [{ path: url, message: 'no proxy at https://***@host/' }],
      keys: [url],
    });
  });

  it.each([
    [true, `${SHOWN}${'k'.repeat(2_000)}\n`],
    [false, `${HOSTILE}${'k'.repeat(2_000)}\n`],
  ])('writes a value alone whole, escaped only where it is looked at: %s', (isTTY, text) => {
    const { terminal, written } = setting({ isTTY });
    terminal.value(`${HOSTILE}${'k'.repeat(2_000)}`);
    expect(written.stdout).toBe(text);
  });

  it('guards the streams against all that writes past it', () => {
    const { terminal, streams, written, process, guard } = setting();
    process.on('warning', () => streams.stderr.write('as Node prints it'));
    guard();
    const done = vi.fn();
    streams.stdout.write(`a\n${HOSTILE}`, done);
    // A character that comes in two chunks.
    const wave = Buffer.from('🌊\u001b');
    streams.stderr.write(wave.subarray(0, 2));
    streams.stderr.write(wave.subarray(2));
    process.emit('warning', { name: 'Warning', message: HOSTILE });
    expect(done).toHaveBeenCalledOnce();
    expect(written.stdout).toBe(`a\n${SHOWN.replace('\\u000a', '\n')}`);
    expect(written.stderr).toBe(`🌊\\u001bWarning: ${SHOWN}\n`);
    terminal.value(HOSTILE);
    expect(written.stdout.endsWith(`${HOSTILE}\n`)).toBe(true);
  });

  it('shows no warnings where Node is set to show none', () => {
    const { written, process, guard } = setting();
    guard();
    process.emit('warning', { name: 'Warning', message: 'x' });
    expect(written.stderr).toBe('');
  });

  it('ends the process without a fault when the reader of stdout has gone', () => {
    const { streams, process, exits, guard } = setting();
    guard();
    streams.stdout.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
    process.exitCode = 1;
    streams.stdout.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
    expect(exits).toEqual([0, 1]);
  });

  it('ends the process with one line when stdout cannot be written, and ignores a failing stderr', () => {
    const { streams, written, process, exits, guard } = setting();
    guard();
    streams.stderr.emit('error', Object.assign(new Error('write'), { code: 'ENOSPC' }));
    expect(exits).toEqual([]);
    streams.stdout.emit('error', Object.assign(new Error('write'), { code: 'ENOSPC' }));
    process.exitCode = 2;
    streams.stdout.emit('error', new Error(HOSTILE));
    expect(exits).toEqual([1, 2]);
    expect(written.stdout).toBe('');
    expect(written.stderr).toBe(
      'spillway: the output is cut off: no space is left on the disk (ENOSPC). Free space there, or send it elsewhere\n' +
        `spillway: the output is cut off: ${SHOWN}. Free space there, or send it elsewhere\n`,
    );
  });
});

describe('the progress', () => {
  it('shows its notes escaped where it is a line', () => {
    const { terminal, written } = setting();
    const progress = createProgress('putting', 3, terminal);
    progress.show(2, line`1/s · ${HOSTILE}`);
    progress.end();
    expect(written.stderr).toBe(`  putting      2/3 1/s · ${SHOWN}\n`);
  });

  it('moves the cursor of a terminal itself, and lets no note do so', () => {
    const { terminal, written, guard } = setting({ isTTY: true });
    guard();
    const progress = createProgress('putting', 3, terminal, {});
    progress.show(2, line`1/s · ${HOSTILE}`);
    progress.end();
    expect(written.stderr).toContain(`2/3 1/s · ${SHOWN}`);
    expect(written.stderr).toContain('\u001b[');
    expect(written.stderr).not.toContain('\u001b]52');
    expect(written.stderr).not.toContain('\u001b[2J');
  });

  it('is a line on a terminal whose cursor can not be moved', () => {
    const { terminal, written } = setting({ isTTY: true });
    const progress = createProgress('putting', 3, terminal, { TERM: 'dumb' });
    progress.show(2);
    progress.end();
    expect(written.stderr).toBe('  putting      2/3\n');
  });
});

describe('an error that ends the command', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is one line, with its details below it', () => {
    const failure = new Failure(HOSTILE, { details: [HOSTILE] });
    expect(String(errorText(failure))).toBe(`spillway: ${SHOWN}\n  ${SHOWN}`);
    expect(String(errorText(new TypeError(HOSTILE)))).toBe(
      `spillway: TypeError: ${SHOWN} (SPILLWAY_DEBUG=1 shows where)`,
    );
    expect(String(errorText(HOSTILE))).toBe(`spillway: ${SHOWN}`);
  });

  it('says where it was thrown, and what caused it, when asked to', () => {
    vi.stubEnv('SPILLWAY_DEBUG', '1');
    const cause = new RangeError(`${HOSTILE}\n    at forged (/all/is/well)`);
    const told = String(errorText(new Failure('it failed', { cause }))).split('\n');
    expect(told[0]).toBe('spillway: it failed');
    expect(told).toContain(`  because of RangeError: ${SHOWN}\\u000a    at forged (/all/is/well)`);
    const frames = told.filter((each) => each.startsWith('    at '));
    expect(frames.filter((frame) => frame.includes('terminal.test.ts')).length).toBeGreaterThanOrEqual(2);
    expect(told.join('')).not.toContain('\u001b');
    expect(told).toHaveLength(2 + frames.length);
    expect(frames).not.toContain('    at forged (/all/is/well)');
    expect(describeError(cause)).not.toContain('SPILLWAY_DEBUG');
  });

  it('ends where errors cause each other in a circle', () => {
    vi.stubEnv('SPILLWAY_DEBUG', '1');
    const error = new Error('round');
    error.cause = error;
    expect(String(errorText(error)).split('because of').length).toBeLessThan(10);
  });
});

describe('what commander says', () => {
  function run(...args: string[]) {
    const { terminal, written } = setting();
    const program = new Command('spillway').configureOutput(usageOutput(terminal)).exitOverride();
    program.showHelpAfterError('(--help shows more)');
    program
      .command('status')
      .argument('[id]', 'an id', (text) => {
        if (text !== 'good') throw new InvalidArgumentError('That is no id.');
        return text;
      })
      .option('--limit <n>', 'a limit')
      .exitOverride()
      .action(() => undefined);
    try {
      program.parse(args, { from: 'user' });
    } catch {
      // Told already.
    }
    return written;
  }

  it.each([
    [`--${HOSTILE}`],
    ['status', `--${HOSTILE}`],
    ['status', HOSTILE],
    ['status', 'good', HOSTILE],
    [HOSTILE],
  ])('of %j is a line with the argument escaped, and the hint', (...args) => {
    const { stdout, stderr } = run(...args);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/[^\n -~]/);
    expect(stderr.split('\n')).toHaveLength(3);
    expect(stderr).toMatch(/^error: .*\n\(--help shows more\)\n$/);
  });

  it('of a near name keeps its hint on a line of its own', () => {
    expect(run('statsu').stderr).toBe(
      "error: unknown command 'statsu'\n(Did you mean status?)\n(--help shows more)\n",
    );
    expect(run('x\n(Did you mean \u001b[2J?)').stderr.split('\n')[0]).toMatch(/^error: unknown command 'x/);
  });

  it('of a long argument keeps what is wrong with it', () => {
    const { stderr } = run('status', 'x'.repeat(100_000));
    expect(stderr).toMatch(/^error: .*characters left out.* is invalid.*\. That is no id\.\n/);
    expect(stderr.length).toBeLessThan(MAX_VALUE_CHARACTERS + 100);
  });

  it('as help keeps its lines', () => {
    const { stdout } = run('--help');
    expect(stdout).toMatch(/^Usage: spillway .*\n\nOptions:\n/);
    expect(stdout.endsWith('\n')).toBe(true);
    expect(stdout.endsWith('\n\n')).toBe(false);
  });
});
