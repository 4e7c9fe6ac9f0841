// Puts the files of some paths straight into S3: many at once as far as the pace and --concurrency allow, each until it has
// an end.
import { randomUUID } from 'node:crypto';
import {
  createRowAttributes,
  faultOfJobAttributes,
  type JobAttributes,
} from '../../shared/attributes/row-attributes.ts';
import type { IfExists } from '../../shared/job/options.ts';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { ADAPTIVE_RATE } from '../../shared/pacing/adaptive-rate.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { steadyClock, systemClock } from '../../shared/time/clock.ts';
import { systemRandom } from '../../shared/time/random.ts';
import { type Budget, createBudget } from '../../shared/transfer/budget.ts';
import { createBytesWriter } from '../../shared/transfer/bytes-writer.ts';
import { createMultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import type { RequestBounds } from '../../shared/transfer/paced-request.ts';
import { Failure, usageFailure } from '../failure.ts';
import { endOfProcess, onInterrupt } from '../interrupt.ts';
import { createProgress, type Progress } from '../progress.ts';
import { terminal } from '../terminal/terminal.ts';
import { line } from '../terminal/text.ts';
import { assertBucket } from './bucket.ts';
import { createPutClient, limitSockets } from './client.ts';
import { type EndFault, watchCredentials } from './credentials.ts';
import { createDescriptors } from './descriptors.ts';
import { addressOf, type PutDestination, parseDestination, placeOf } from './destination.ts';
import { followProgress } from './follow-progress.ts';
import { type OpenUpload, rememberOpenUploads } from './open-uploads.ts';
import { type FileTask, type PutDependencies, putFile } from './put-file.ts';
import { failureText, type PutState, passedOverText, resultOf, summaryOf } from './result.ts';
import {
  addAnswer,
  addFailure,
  addFault,
  addPassedOver,
  addReport,
  emptyTally,
  type PutTally,
} from './tally.ts';
import { type Found, type FoundFile, refuseTakenKeys, walkPaths } from './walk.ts';
import { type OnAnswer, watched, withoutCutOff } from './watched-writer.ts';
import { createWorkList, type WorkList } from './work-list.ts';

/**
 * Writes a second at the start: one process alone may begin far above a fleet's worker, since it sees every SlowDown.
 * Measured with `npm run bench -- limit --only engine`: at 1,400 a second a start at 500 costs 5% of the time of 20,000
 * objects, 800 about 1.5%; at 350 a second 800 costs 2% more requests than objects, as 500 does.
 */
const START_PER_SECOND = 800;
/** No queue takes a file back: it waits in place, and only goes back to the list so that others are not held up by it. */
const IN_PLACE_MS = 60_000;
const MOST_DELAY_MS = 30_000;
/** Bytes of files in memory at once. */
const MEMORY_BYTES = 256 * 1024 ** 2;
/** Retries at once before the first files have earned theirs. */
const FIRST_RETRIES = 1_000;
/** After Ctrl-C, requests under way may still be answered for so long. */
const LAST_ANSWERS_MS = 1_500;
/** At the end S3 is asked for so long to abort what uploads are still open. */
const LAST_ABORTS_MS = 2_500;
const LOOK_EVERY_MS = 25;

export interface PutOptions extends JobAttributes {
  endpointUrl?: string;
  spread: string;
  concurrency: number;
  ifExists: IfExists;
  retryFor: number;
  followLinks?: true;
  json?: true;
}

export async function runPut(args: readonly string[], options: PutOptions): Promise<void> {
  const destination = parseDestination(args.at(-1) ?? '');
  const paths = args.slice(0, -1);
  if (paths.length === 0) {
    throw usageFailure('name what to put: spillway put PATH… s3://BUCKET/PREFIX');
  }
  const attributeFault = faultOfJobAttributes(options);
  if (attributeFault !== undefined) {
    throw usageFailure(`no object could be stored like this: ${attributeFault.message}`);
  }
  const s3 = await createPutClient(options);
  const clock = steadyClock;
  const cutOff = new AbortController();
  const tally = emptyTally();
  const descriptors = createDescriptors(
    {
      clock,
      random: systemRandom,
      limitSockets: (most) => limitSockets(s3, most),
      onLack: (lack) => addFault(tally, { kind: 'transient', ...lack }),
    },
    options.concurrency,
  );
  const uploads = rememberOpenUploads({ uploads: createMultipartWriter(s3), clock, random: systemRandom });
  const giveUpAtMs = () => clock.now() + options.retryFor * 1000;
  const walk = () =>
    walkPaths(paths, {
      followLinks: options.followLinks === true,
      opening: (open) => descriptors.open(open, giveUpAtMs()),
    });
  /** As the user named it, until the first file shows what it is. */
  let url = urlOf(destination, destination.path);
  const taskOf = (found: FoundFile): FileTask => {
    const place = placeOf(destination, found);
    const address = { bucket: destination.bucket, spread: options.spread };
    url = urlOf(destination, found.isOnly ? addressOf(place, address).key : place.prefix);
    const { path, key: name, tree } = found;
    return { path, name, place, tree, giveUpAtMs: giveUpAtMs(), attempts: 0, putBack: 0 };
  };
  const found = paths.length > 1 ? refuseTakenKeys(walk()) : walk();
  const list = createWorkList(tasksOf(found, taskOf, tally), clock);
  const bounds: RequestBounds = {
    stopAtMs: Number.POSITIVE_INFINITY,
    inPlaceMs: IN_PLACE_MS,
    budget: { retries: FIRST_RETRIES },
    cutOff: cutOff.signal,
  };
  const running: { progress?: Progress; watch?: { end(): void }; startedAtMs: number; isTold?: true } = {
    startedAtMs: clock.now(),
  };

  /** What ends the run before its files do. */
  const early = Promise.withResolvers<EndFault>();
  const credentials = watchCredentials({
    credentials: s3.config.credentials,
    env: process.env,
    clock,
    onEnd: early.resolve,
  });
  const onAnswer: OnAnswer = (fault) => {
    addAnswer(tally, fault);
    if (fault === undefined) credentials.onTaken();
    else credentials.onFault(fault);
  };
  const stop = async (): Promise<void> => {
    bounds.stopAtMs = clock.now();
    list.close();
    await untilFree(descriptors.requests);
    // What is still under way ends with the process; open uploads are ended before.
    cutOff.abort();
  };

  const abortUploads = () => uploads.abortAll(clock.now() + LAST_ABORTS_MS);
  const tellEnd = (state: PutState, openUploads: readonly OpenUpload[], fault?: EndFault): void => {
    // Ctrl-C may come between the end's report and the process's end.
    if (running.isTold === true) return;
    running.isTold = true;
    running.progress?.end();
    const seconds = (clock.now() - running.startedAtMs) / 1000;
    const run = { job: `put-${randomUUID()}`, state, destination: url, tally, seconds, fault, openUploads };
    const shown = summaryOf(run, options.spread);
    if (options.json || state !== 'completed') terminal.err(line`\n${shown}`);
    else terminal.out(shown);
    if (options.json) terminal.json(resultOf(run));
  };
  const interrupt = onInterrupt(async () => {
    await stop();
    tellEnd('interrupted', await abortUploads());
  });

  try {
    const onLate = (waitedMs: number) =>
      terminal.err(line`  bucket ${destination.bucket}: no answer in ${waitedMs / 1000} s; asked again`);
    await assertBucket({ s3, clock, onLate }, destination.bucket);
    const dependencies: PutDependencies = {
      writer: watched(withoutCutOff(createBytesWriter(s3, systemClock)), descriptors, onAnswer),
      uploads: watched(uploads.uploads, descriptors, onAnswer),
      rateLimiter: createRateLimiter({
        pacer: createAdaptivePacer({ ...ADAPTIVE_RATE, startPerSecond: START_PER_SECOND }),
        clock,
      }),
      clock,
      descriptors,
      fileClock: systemClock,
      random: systemRandom,
      memory: createBudget(MEMORY_BYTES),
    };
    running.startedAtMs = clock.now();
    running.progress = createProgress('putting', 0);
    running.watch = followProgress(running.progress, walk(), tally, descriptors.requests.held);
    const { ifExists, spread } = options;
    const attributes = createRowAttributes(options).of({});
    const settings = { bucket: destination.bucket, spread, ifExists, attributes };
    const put = (task: FileTask) =>
      descriptors.files.hold(1, () => putFile(dependencies, task, settings, bounds));
    const workers = Array.from({ length: options.concurrency }, () =>
      work(list, put, tally, () => bounds.stopAtMs),
    );
    const fault = await Promise.race([Promise.all(workers).then(() => undefined), early.promise]);
    if (fault !== undefined) await stop();
    running.watch.end();
    const openUploads = interrupt.isInterrupted() ? [] : await abortUploads();
    if (interrupt.isInterrupted()) return await endOfProcess();
    // Before anything is printed: the reader of the output may be gone.
    if (fault !== undefined || tally.failed > 0 || tally.rows === 0) process.exitCode = 1;
    tellEnd(fault === undefined ? 'completed' : 'failed', openUploads, fault);
    // Files that wait for their next try, and aborts that are tried again, would keep the process for half a minute.
    if (fault !== undefined) process.exit(1);
    if (tally.rows === 0) throw new Failure('there are no files there');
  } catch (error) {
    if (interrupt.isInterrupted()) return await endOfProcess();
    running.progress?.end();
    throw error;
  } finally {
    running.watch?.end();
    list.close();
    s3.destroy();
  }
}

async function untilFree(slots: Budget): Promise<void> {
  const untilMs = steadyClock.now() + LAST_ANSWERS_MS;
  while (steadyClock.now() < untilMs) {
    if (slots.held() === 0) return;
    await steadyClock.sleep(LOOK_EVERY_MS);
  }
}

/** One of many: takes files up until none is left. */
async function work(
  list: WorkList<FileTask>,
  put: (task: FileTask) => ReturnType<typeof putFile>,
  tally: PutTally,
  stopAtMs: () => number,
): Promise<void> {
  for (let task = await list.take(); task !== undefined; task = await list.take()) {
    const report = await put(task);
    const { end } = report;
    addReport(tally, task.path, report, (failure) => terminal.err(failureText(failure)));
    if (end.kind !== 'unfinished' || stopAtMs() !== Number.POSITIVE_INFINITY) continue;
    const later = { ...task, attempts: task.attempts + report.attempts, putBack: task.putBack + 1 };
    list.putBack(later, Math.min(MOST_DELAY_MS, end.delayMs));
  }
}

async function* tasksOf(
  found: AsyncIterable<Found>,
  taskOf: (file: FoundFile) => FileTask,
  tally: PutTally,
): AsyncGenerator<FileTask> {
  for await (const each of found) {
    if (each.kind === 'passed-over') {
      addPassedOver(tally, each, (passed) => terminal.err(passedOverText(passed)));
      continue;
    }
    tally.rows++;
    if (each.kind === 'file') yield taskOf(each);
    else addFailure(tally, each, (failure) => terminal.err(failureText(failure)));
  }
}

function urlOf({ bucket }: PutDestination, key: string): string {
  return `s3://${bucket}/${key}`;
}
