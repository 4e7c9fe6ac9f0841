// Shows how far something is, on stderr: a bar on a terminal, a line every few seconds elsewhere.
import { createRequire } from 'node:module';
import { steadyClock } from '../shared/time/clock.ts';
import { type Terminal, terminal } from './terminal/terminal.ts';
import { line, padEnd, type TerminalText } from './terminal/text.ts';
import { countText } from './text.ts';

/** In a log, often enough to see that it moves. */
const LINE_EVERY_MS = 5_000;
const REDRAWS_PER_SECOND = 8;
const NAME_WIDTH = 12;

export interface Progress {
  /** @param note what else is to be seen: rate, throttles */
  show(done: number, note?: TerminalText): void;
  /** More to do than was known at first. */
  grow(total: number): void;
  /** Leaves the last state standing. */
  end(): void;
}

type Shower = Pick<Terminal, 'err' | 'barStream'>;

export function createProgress(
  name: string,
  total: number,
  on: Shower = terminal,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Progress {
  // A dumb terminal, as in Emacs, prints what would move the cursor.
  const drawsBars = on.barStream.isTTY && env['TERM'] !== 'dumb';
  return drawsBars ? createBar(name, total, on) : createLines(name, total, on);
}

function createBar(name: string, total: number, { barStream }: Shower): Progress {
  // Loaded where a bar is drawn: it is a dozen files.
  const cliProgress = createRequire(import.meta.url)('cli-progress') as typeof import('cli-progress');
  const bar = new cliProgress.SingleBar(
    {
      format: `  ${padEnd(name, NAME_WIDTH)} {bar} {value}/{total} {note}`,
      stream: barStream,
      fps: REDRAWS_PER_SECOND,
      hideCursor: true,
      barsize: 28,
      formatValue: (value, _options, type) =>
        type === 'value' || type === 'total' ? countText(value) : String(value),
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { note: '' });
  return {
    show: (done, note = line``) => bar.update(Math.min(done, bar.getTotal()), { note: String(note) }),
    grow: (more) => bar.setTotal(more),
    end: () => bar.stop(),
  };
}

function createLines(name: string, knownTotal: number, { err }: Shower): Progress {
  let total = knownTotal;
  let last = '';
  let shownAtMs = steadyClock.now();
  let current = line``;
  const print = (): void => {
    if (String(current) !== last) err(current);
    last = String(current);
  };
  return {
    show(done, note) {
      const counts = `${countText(Math.min(done, total))}/${countText(total)}`;
      current = line`  ${padEnd(name, NAME_WIDTH)} ${counts}${note === undefined ? '' : line` ${note}`}`;
      if (steadyClock.now() - shownAtMs < LINE_EVERY_MS) return;
      shownAtMs = steadyClock.now();
      print();
    },
    grow(more) {
      total = more;
    },
    end: print,
  };
}
