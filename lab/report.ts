// What the lab found, for people: a table, charts, and one page that explains them.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { barChart, panelChart } from './charts/charts.ts';
import { htmlPage, markdownTable, type PageSection, type Table } from './charts/page.ts';
import { ACCEPTED, REFUSED } from './charts/theme.ts';
import type { LabResult } from './lab.ts';
import { STRATEGIES } from './strategies/all.ts';

/** @returns the files written: charts, page, table */
export async function writeReport(result: LabResult, folder: string, command: string): Promise<string[]> {
  const charts = drawCharts(result);
  const files: Record<string, string> = {
    'requests.svg': charts.requests,
    'time.svg': charts.time,
    'attempts.svg': charts.attempts,
    'stored.svg': charts.stored,
    'index.html': labPage(result, charts, command),
    'results.md': resultsDocument(result, command),
  };
  await mkdir(folder, { recursive: true });
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(path.join(folder, name), text)));
  return Object.keys(files).map((name) => path.join(folder, name));
}

export function labTable({ strategies }: LabResult): Table {
  return {
    head: [
      'strategy',
      'stored',
      'lost',
      'requests',
      'refused',
      'requests per object',
      'seconds',
      'objects/s',
      'of one partition',
      'efficiency',
    ],
    rows: strategies.map((each) => [
      each.name,
      whole(each.stored),
      whole(each.lost),
      whole(each.attempts),
      whole(each.throttled),
      each.attemptsPerObject.toFixed(2),
      each.seconds.toFixed(1),
      whole(each.objectsPerSecond),
      percent(each.ofOnePartition),
      percent(each.efficiency),
    ]),
  };
}

interface LabCharts {
  requests: string;
  time: string;
  attempts: string;
  stored: string;
}

function drawCharts(result: LabResult): LabCharts {
  const { strategies, limitPerSecond, objects, partitions } = result;
  const names = strategies.map(({ name }) => name);
  const setting = `${whole(objects)} objects, ${result.workers} workers, ${whole(limitPerSecond)} writes a second and partition`;
  return {
    requests: panelChart({
      title: 'Requests that S3 took and refused, by second',
      subtitle: `${setting}; the line is the limit of one partition, and of ${partitions} in the last panel`,
      xTitle: 'seconds since the first request',
      yTitle: 'requests a second',
      panels: strategies.map(({ name, perSecond, partitionsMet }) => ({
        title: name,
        levels: [{ name: '', y: limitPerSecond * Math.max(1, partitionsMet) }],
        series: [
          {
            name: 'accepted',
            colour: ACCEPTED,
            filled: true,
            stepped: true,
            stack: name,
            points: steps(perSecond, ({ accepted }) => accepted),
          },
          {
            name: 'refused with SlowDown',
            colour: REFUSED,
            filled: true,
            stepped: true,
            stack: name,
            points: steps(perSecond, ({ refused }) => refused),
          },
        ],
      })),
    }),
    time: barChart({
      title: 'Time until the last object had its end',
      subtitle: `${setting}.\nShort is good only where nothing was lost`,
      xTitle: 'seconds',
      yTitle: '',
      categories: names,
      lying: true,
      series: [{ name: 'seconds', values: strategies.map(({ seconds }) => seconds), label: tenths }],
    }),
    attempts: barChart({
      title: 'Requests for each object stored',
      subtitle: `${setting}.\nOne is the least; each one more is a refusal, paid for in time and load`,
      xTitle: 'requests per object stored',
      yTitle: '',
      categories: names,
      lying: true,
      series: [
        {
          name: 'requests',
          values: strategies.map(({ attemptsPerObject }) => attemptsPerObject),
          label: (value) => value.toFixed(2),
        },
      ],
    }),
    stored: barChart({
      title: 'Objects stored and lost',
      subtitle: setting,
      xTitle: 'objects',
      yTitle: '',
      categories: names,
      lying: true,
      series: [
        { name: 'stored', colour: ACCEPTED, stack: 'all', values: strategies.map(({ stored }) => stored) },
        {
          name: 'lost',
          colour: REFUSED,
          stack: 'all',
          values: strategies.map(({ lost }) => lost),
          label: (lost) => (lost === 0 ? '' : `${whole(lost)} lost`),
        },
      ],
    }),
  };
}

type Second = LabResult['strategies'][number]['perSecond'][number];

/** A second's count stands from its beginning to its end. */
function steps(seconds: readonly Second[], count: (second: Second) => number): [number, number][] {
  const points = seconds.map((each): [number, number] => [each.second, count(each)]);
  const last = seconds.at(-1);
  return last === undefined ? points : [...points, [last.second + 1, count(last)]];
}

function labPage(result: LabResult, charts: LabCharts, command: string): string {
  return htmlPage({
    title: 'What S3 does to an upload that comes too fast',
    sections: [opening(result), ...lessonSections(result), ...findings(result, charts)],
    footer: `Made by \`${command}\` on this machine alone: every request went to 127.0.0.1.`,
  });
}

function opening(result: LabResult): PageSection {
  return {
    text: [
      `Amazon S3 takes 3,500 writes a second for each partition of a bucket's keys, and answers 503 SlowDown to the rest. Here an S3 on this machine does the same at ${whole(result.limitPerSecond)} writes a second, so that two cores are enough to run into it.`,
      `Eight strategies write the same ${whole(result.objects)} objects of ${whole(result.objectBytes)} bytes with ${result.workers} workers each, one strategy after the other, each to a bucket of its own. Every bucket has ${result.partitions} partitions from the start. S3 itself takes 30 to 60 minutes of load to split a partition; the lab's buckets stand as after that.`,
    ],
  };
}

function lessonSections({ lesson }: LabResult): PageSection[] {
  const { plain, burst } = lesson;
  const { error } = burst;
  return [
    {
      heading: 'One file, plainly',
      text: `A bucket is made and one object written: s3://${plain.bucket}/${plain.key} is answered with ${plain.status} after ${plain.milliseconds} ms, and ${plain.readBackBytes} bytes are read back. Nothing to it.`,
    },
    {
      heading: 'The same, many times at once',
      text: [
        `Then ${whole(burst.sent)} objects are written at once in the same way: ${whole(burst.stored)} are stored and ${whole(burst.refused)} are refused.`,
        ...(error === undefined
          ? [
              'Nothing was refused: this machine is too slow for the limit asked for. A lower --limit shows more.',
            ]
          : [
              `What the AWS SDK throws for each of them: ${error.name} (HTTP ${error.status}): ${error.message}`,
            ]),
      ],
    },
  ];
}

function findings(result: LabResult, charts: LabCharts): PageSection[] {
  return [
    {
      heading: 'Eight ways to deal with it',
      terms: STRATEGIES.map(({ name, what }) => ({ name, text: what })),
    },
    {
      text: 'Requests and refusals are counted by S3, stored objects by listing the bucket. “Of one partition” is the rate of storing by the limit of one partition. Efficiency is the time in which the partitions that a strategy met could have taken what it stored, by the time it took.',
      table: labTable(result),
    },
    {
      heading: 'What is lost',
      text: 'Whoever bounds the attempts loses objects as soon as S3 refuses for longer than the attempts last. A retry that knows no end loses none, and needs something that keeps the retries from becoming the load.',
      svg: charts.stored,
    },
    {
      heading: 'What S3 sees',
      text: [
        'Green is taken, orange refused. Workers that back off each for itself keep sending more than S3 takes for as long as there is work: a wait moves the load, it does not lower it. Waits without jitter move it together, as a wave.',
        'The paced strategy finds the limit in its first refusals, and from then on sends what S3 takes. A hash before the key spreads the same load over every partition.',
      ],
      svg: charts.requests,
    },
    {
      heading: 'What it costs',
      text: 'Refused requests use up connections and processor time on both sides, and whoever shares the partition pays for them with refusals of their own.',
      svg: charts.attempts,
    },
    {
      heading: 'How long it takes',
      text: 'The time of a backoff strategy ends with its unluckiest object, which sits out its longest wait while S3 stands idle. A strategy that gave up is early for the wrong reason.',
      svg: charts.time,
    },
    {
      heading: 'When a hash does not help',
      text: [
        'A limit of KMS behind the bucket, and a single hot object: both say SlowDown, and neither is about the partition.',
        'Keys in sequence after a split: the newest keys all lie behind the last split, in one partition again. And a namespace that S3 has already split where the keys are: then there is room as it stands.',
      ],
    },
  ];
}

function resultsDocument(result: LabResult, command: string): string {
  const { objects, workers, limitPerSecond, burstSeconds, partitions } = result;
  return `# The lab's last run

<!-- Written by \`${command}\`; changes by hand are lost. -->

\`${command}\`: ${whole(objects)} objects of ${whole(result.objectBytes)} bytes, ${workers} workers, an S3 of ${partitions} partitions that each take ${whole(limitPerSecond)} writes a second and save up ${burstSeconds} s of them. It ran on one machine, S3 included.

${markdownTable(labTable(result))}

\`of one partition\` is the rate of storing by the limit of one partition; \`efficiency\` the time in which the partitions that a strategy met could have taken what it stored, by the time it took.
`;
}

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function whole(value: number): string {
  return GROUPED.format(value);
}

function tenths(value: number): string {
  return value.toFixed(1);
}

function percent(share: number): string {
  return `${whole(share * 100)}%`;
}
