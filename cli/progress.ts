// Shows how far something is, on stderr: a bar on a terminal, a line every few seconds elsewhere.
import cliProgress from 'cli-progress';
import { countText } from './text.ts';

/** In a log, often enough to see that it moves. */
const LINE_EVERY_MS = 5_000;
const REDRAWS_PER_SECOND = 8;
const NAME_WIDTH = 12;

export interface Progress {
  /** @param note what else is to be seen: rate, throttles */
  show(done: number, note?: string): void;
  /** More to do than was known at first. */
  grow(total: number): void;
  /** Leaves the last state standing. */
  end(): void;
}

export function createProgress(
  name: string,
  total: number,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  return stream.isTTY ? createBar(name, total, stream) : createLines(name, total, stream);
}

function createBar(name: string, total: number, stream: NodeJS.WriteStream): Progress {
  const bar = new cliProgress.SingleBar(
    {
      format: `  ${name.padEnd(NAME_WIDTH)} {bar} {value}/{total} {note}`,
      stream,
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
    show: (done, note = '') => bar.update(Math.min(done, bar.getTotal()), { note }),
    grow: (more) => bar.setTotal(more),
    end: () => bar.stop(),
  };
}

function createLines(name: string, knownTotal: number, stream: NodeJS.WriteStream): Progress {
  let total = knownTotal;
  let last = '';
  let shownAtMs = Date.now();
  let current = '';
  const print = (): void => {
    if (current !== last) stream.write(`${current}\n`);
    last = current;
  };
  return {
    show(done, note = '') {
      current =
        `  ${name.padEnd(NAME_WIDTH)} ${countText(Math.min(done, total))}/${countText(total)} ${note}`.trimEnd();
      if (Date.now() - shownAtMs < LINE_EVERY_MS) return;
      shownAtMs = Date.now();
      print();
    },
    grow(more) {
      total = more;
    },
    end: print,
  };
}
