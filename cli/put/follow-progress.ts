// Shows how far `put` is, counts what there is to do, and says why nothing moves where nothing does.
import { steadyClock } from '../../shared/time/clock.ts';
import type { Progress } from '../progress.ts';
import { terminal } from '../terminal/terminal.ts';
import { line } from '../terminal/text.ts';
import { amountText, countText } from '../text.ts';
import type { PutTally } from './tally.ts';
import type { Found } from './walk.ts';

const LOOK_EVERY_MS = 250;
/** If no file has ended for so long, the reason is shown. */
const STILL_MS = 5_000;
/** If nothing was answered for so long, that is shown: a slow line takes seconds for a part. */
const SILENT_MS = 10_000;

/**
 * Counts what there is by a second walk, since the work begins before all is found, and shows how far it is.
 * @param underWay requests that wait for an answer
 */
export function followProgress(
  progress: Progress,
  found: AsyncIterable<Found>,
  tally: PutTally,
  underWay: () => number,
): { end(): void } {
  let total = 0;
  let isOver = false;
  void countFiles(found, () => {
    total++;
    return isOver;
  });
  let last = { done: 0, atMs: steadyClock.now() };
  let perSecond = 0;
  const tellStill = createStillTeller(tally, underWay);
  const show = (): void => {
    const done = doneOf(tally);
    const nowMs = steadyClock.now();
    if (nowMs - last.atMs >= 1000) {
      perSecond = ((done - last.done) * 1000) / (nowMs - last.atMs);
      last = { done, atMs: nowMs };
    }
    tellStill(nowMs);
    progress.grow(Math.max(total, done));
    const fault = tally.lastFault === undefined ? '' : line` · ${tally.lastFault.code}`;
    progress.show(done, line`${countText(perSecond)}/s · ${countText(tally.throttled)} × SlowDown${fault}`);
  };
  const timer = setInterval(show, LOOK_EVERY_MS);
  return {
    end() {
      isOver = true;
      clearInterval(timer);
      show();
    },
  };
}

/** The cause of a standstill is shown once: a fault that is tried again, or answers that don't come. */
function createStillTeller(tally: PutTally, underWay: () => number): (nowMs: number) => void {
  let done = { count: 0, sinceMs: steadyClock.now(), code: '' };
  let answers = { count: 0, sinceMs: steadyClock.now(), isTold: false };
  return (nowMs) => {
    if (doneOf(tally) !== done.count) done = { count: doneOf(tally), sinceMs: nowMs, code: done.code };
    if (tally.answered !== answers.count || underWay() === 0)
      answers = { count: tally.answered, sinceMs: nowMs, isTold: false };
    const { lastFault } = tally;
    if (lastFault !== undefined && lastFault.code !== done.code && nowMs - done.sinceMs >= STILL_MS) {
      done.code = lastFault.code;
      terminal.err(
        line`\n  nothing was stored for ${STILL_MS / 1000} s, still trying: ${lastFault.message} (${lastFault.code})`,
      );
    }
    if (!answers.isTold && nowMs - answers.sinceMs >= SILENT_MS) {
      answers.isTold = true;
      terminal.err(
        line`\n  no answer since ${SILENT_MS / 1000} s: ${amountText(underWay(), 'request')} under way`,
      );
    }
  };
}

function doneOf({ stored, skipped, failed }: PutTally): number {
  return stored + skipped + failed;
}

async function countFiles(found: AsyncIterable<Found>, count: () => boolean): Promise<void> {
  for await (const { kind } of found) if (kind !== 'passed-over' && count()) return;
}
