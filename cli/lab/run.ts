// The lab on a terminal: the lesson, a line for each strategy, the table, and where the charts are.
import { type Lab, type LabResult, startLab } from '../../lab/lab.ts';
import type { Lesson } from '../../lab/lesson.ts';
import { labTable, reportFiles } from '../../lab/report.ts';
import type { StrategyResult } from '../../lab/strategies/measure.ts';
import { writeFiles } from '../files.ts';
import { endOfProcess, onInterrupt } from '../interrupt.ts';
import { terminal } from '../terminal/terminal.ts';
import { line, lines, padEnd, type TerminalText, tableLines } from '../terminal/text.ts';
import { amountText, countText } from '../text.ts';

/** Jitter is the same in every run; S3's answers and the machine are not. */
const SEED = 1;
const NAME_WIDTH = 16;
/** What the eight take together, in times that one partition needs for the objects: most keep to one, some trail behind. */
const TIMES_ONE = 8;
const ELSEWHERE = 'name another folder with --out';

export interface LabCommandOptions {
  objects: number;
  limit: number;
  out: string;
  json?: true;
}

export async function runLab({ objects, limit, out, json }: LabCommandOptions): Promise<void> {
  const say = json ? terminal.err : terminal.out;
  const running: { lab?: Lab } = {};
  const interrupt = onInterrupt(async () => {
    terminal.err(line`\nInterrupted: the S3 was in memory, and is gone. No chart was written.`);
    await running.lab?.stop();
  });
  try {
    running.lab = await startLab({ objects, limitPerSecond: limit, seed: SEED });
    const result = await running.lab.run({
      lesson: (lesson) => say(lessonText(lesson, { objects, limit })),
      end: (strategy) => say(lineOf(strategy)),
    });
    if (interrupt.isInterrupted()) return await endOfProcess();
    const command = `npm run spillway -- lab --objects ${objects} --limit ${limit} --out ${out}`;
    const { files, failure } = await writeFiles(out, reportFiles(result, command), ELSEWHERE);
    say(summaryOf(result, files));
    if (json) terminal.json({ ...result, files });
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (interrupt.isInterrupted()) return await endOfProcess();
    throw error;
  } finally {
    await running.lab?.stop();
  }
}

function lessonText(
  { plain, burst }: Lesson,
  { objects, limit }: Pick<LabCommandOptions, 'objects' | 'limit'>,
): TerminalText {
  const { error } = burst;
  return lines([
    line`1  A bucket and one file, plainly: s3://${plain.bucket}/${plain.key}`,
    line`     PUT ${plain.status} in ${plain.milliseconds} ms, and ${countText(plain.readBackBytes)} bytes read back.`,
    '',
    line`2  ${amountText(burst.sent, 'file')} at once, each sent one time, to a partition that takes ${countText(limit)} writes a second:`,
    line`     ${countText(burst.stored)} stored, ${countText(burst.refused)} refused.`,
    error === undefined
      ? '     Nothing was refused: too few objects for the limit, or too slow a machine. A lower --limit shows more.'
      : line`     ${error.name}: ${error.message}\n     (HTTP ${error.status}, request ${error.requestId})`,
    '',
    line`3  ${amountText(objects, 'object')} by eight strategies, one after the other; in all about ${durationText((TIMES_ONE * objects) / limit)}:`,
  ]);
}

function durationText(seconds: number): string {
  if (seconds < 100) return amountText(Math.ceil(seconds), 'second');
  const minutes = seconds / 60;
  return minutes < 100
    ? amountText(Math.ceil(minutes), 'minute')
    : amountText(Math.ceil(minutes / 60), 'hour');
}

function lineOf({ name, stored, lost, throttled, seconds }: StrategyResult): TerminalText {
  const losses = lost === 0 ? 'none lost' : `${countText(lost)} LOST`;
  return line`     ${padEnd(name, NAME_WIDTH)} ${countText(stored).padStart(7)} stored, ${losses}, ${countText(throttled)} times refused, ${seconds.toFixed(1)} s`;
}

function summaryOf(result: LabResult, files: string[]): TerminalText {
  const { head, rows } = labTable(result);
  const numbers = head.map((_, column) => column).slice(1);
  return lines([
    '',
    ...tableLines([head, ...rows], numbers),
    '',
    line`Every bucket has ${result.partitions} partitions of ${countText(result.limitPerSecond)} writes a second from the start. S3 itself splits a partition`,
    'after 30 to 60 minutes of load; here that has happened already. Keys in sequence meet one partition, hashed keys all.',
    '',
    ...files.map((file) => line`  ${file}`),
  ]);
}
