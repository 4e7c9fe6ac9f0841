// What the lab found, for people: a table, and one page that explains it with charts.
import { htmlPage, markdownTable, type PageSection, type Table } from './charts/page.ts';
import type { LabResult } from './lab.ts';
import { drawCharts, type LabCharts, whole } from './report-charts.ts';
import { STRATEGIES } from './strategies/all.ts';

/** The texts of all files of a report by their names: charts, page, table. */
export function reportFiles(result: LabResult, command: string): Record<string, string> {
  const charts = drawCharts(result);
  return {
    ...charts,
    'index.html': labPage(result, charts, command),
    'results.md': resultsDocument(result, command),
  };
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
              'Nothing was refused: too few objects for the limit, or too slow a machine. A lower --limit shows more.',
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
      text: 'A client that bounds its attempts loses objects as soon as S3 refuses for longer than the attempts last. A retry that knows no end loses none, and needs something that keeps the retries from becoming the load.',
      svg: charts['stored.svg'],
    },
    {
      heading: 'What S3 sees',
      text: [
        'Green is taken, orange refused. Workers that back off each for itself keep sending more than S3 takes for as long as there is work: a wait moves the load, it does not lower it. Waits without jitter move it together, as a wave.',
        'The paced strategy finds the limit in its first refusals, and from then on sends what S3 takes. A hash before the key spreads the same load over every partition.',
      ],
      svg: charts['requests.svg'],
    },
    {
      heading: 'Why jitter',
      text: [
        'Without chance in it a backoff keeps together what was refused together: the herd comes back as one, S3 takes a burst of it, and refuses the rest again. Full, equal and decorrelated jitter pull the herd apart.',
        'Jitter answers one herd. It does not answer a load that goes on: where work is waiting, every client that got through sends the next object at once, and the refusals stay.',
      ],
      svg: charts['jitter-requests.svg'],
    },
    { svg: charts['jitter-time.svg'] },
    {
      heading: 'What it costs',
      text: 'Refused requests use up connections and processor time on both sides, and the clients that share the partition pay for them with refusals of their own.',
      svg: charts['attempts.svg'],
    },
    {
      heading: 'How long it takes',
      text: 'The time of a backoff strategy ends with its unluckiest object, which sits out its longest wait while S3 stands idle. A strategy that gave up is early for the wrong reason.',
      svg: charts['time.svg'],
    },
    {
      heading: 'Why hashed prefixes',
      text: 'S3 splits a partition at its middle key, and each half gets a limit of its own. With hashed keys both halves go on getting load, and the room doubles with each split. With keys in sequence the new ones all lie behind the split, and one partition takes them all, as before.',
      svg: charts['splits.svg'],
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

function percent(share: number): string {
  return `${whole(share * 100)}%`;
}
