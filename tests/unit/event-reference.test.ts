// docs/events.md is made from the schemas of the events. After a change: npx vitest run tests/unit/event-reference.test.ts -u
import type { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { emptyTotals } from '../../shared/job/job.ts';
import { createJobEvents, type JobEvents } from '../../shared/report/job-event.ts';
import { DETAIL_TYPES, EVENT_SOURCE } from '../../shared/report/job-event-names.ts';
import {
  cancelledDetail,
  completedDetail,
  failedDetail,
  progressedDetail,
  startedDetail,
} from '../../shared/report/job-event-schemas.ts';
import { anEndedJob, aRunningJob, JOB_ID } from '../helpers/records.ts';

const LARGE = { slices: 40, plan: { slices: 40, rows: 4_000_000, offset: 335_544_320, line: 4_000_002 } };
const TOTALS = {
  ...emptyTotals(),
  ...{ rows: 1000, stored: 990, skipped: 4, failed: 5, rejected: 1 },
  ...{ attempts: 1011, throttled: 12, returned: 3, reposted: 1, bytes: 4_096_000 },
};

interface Documented {
  name: keyof typeof DETAIL_TYPES;
  when: string;
  promise: string;
  schema: z.ZodMiniType;
  example: (events: JobEvents) => Promise<void>;
}

const ONCE_AT_LEAST = 'at least once';
const EVENTS: readonly Documented[] = [
  {
    name: 'started',
    when: 'The manifest was opened. A job whose manifest can not be opened does not start: it fails.',
    promise: `${ONCE_AT_LEAST}, unless EventBridge refused it and the job ended before the next sweep, a minute later`,
    schema: startedDetail,
    example: (events) => events.started(aRunningJob({ redriveOf: JOB_ID })),
  },
  {
    name: 'progressed',
    when:
      'Another tenth of its rows has ended, once the whole manifest is cut and the number of rows is known. A slice that settles ' +
      'announces it by the share of settled slices, and sweep, each minute, by the rows that it has counted. A step may be left ' +
      'out: a job that gets from 10% to 50% within a minute announces 50%. A paused job and one that is being ended announce none.',
    promise: 'at most once for each percentage, so at most nine a job; none is promised',
    schema: progressedDetail,
    example: (events) =>
      events.progressed(aRunningJob(LARGE), {
        percent: 30,
        rows: 4_000_000,
        counts: { done: 1_240_000, failed: 17, cancelled: 0, rejected: 4 },
      }),
  },
  {
    name: 'completed',
    when: 'Every row is accounted for, and the report is written. Rows may have failed: the counts say how many.',
    promise: ONCE_AT_LEAST,
    schema: completedDetail,
    example: (events) => events.ended(anEndedJob({ totals: TOTALS })),
  },
  {
    name: 'cancelled',
    when: 'The job was cancelled by an order, and what had not ended is counted as cancelled.',
    promise: ONCE_AT_LEAST,
    schema: cancelledDetail,
    example: (events) =>
      events.ended(
        anEndedJob({ state: 'cancelled', totals: { ...TOTALS, stored: 490, skipped: 0, cancelled: 504 } }),
      ),
  },
  {
    name: 'failed',
    when: 'The manifest could not be opened or processed, too many rows failed, or the deadline has passed.',
    promise: ONCE_AT_LEAST,
    schema: failedDetail,
    example: (events) =>
      events.ended(
        anEndedJob({
          state: 'failed',
          fault: { code: 'UnknownColumn', message: 'line 1: no manifest has the column "colour"' },
        }),
      ),
  },
];

/** What PutEvents is given for an event. */
async function entryOf(example: Documented['example']) {
  const sent: PutEventsCommand[] = [];
  const eventBridge = {
    send: async (command: PutEventsCommand) => {
      sent.push(command);
      return { Entries: [{ EventId: 'e' }] };
    },
  } as unknown as EventBridgeClient;
  await example(createJobEvents({ eventBridge, bus: 'default' }));
  expect(sent).toHaveLength(1);
  const { Source, DetailType, Detail = '' } = sent[0]?.input.Entries?.[0] ?? {};
  return { source: Source, detailType: DetailType, detail: JSON.parse(Detail) as Record<string, unknown> };
}

/** zod bounds every whole number by what JavaScript counts exactly, which says nothing here. */
function jsonSchema(schema: z.ZodMiniType): object {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema: part }) => {
      if (part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
    },
  });
}

const fenced = (value: unknown): string => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;

async function section({ name, when, promise, schema, example }: Documented): Promise<string> {
  const { detail } = await entryOf(example);
  return `## ${DETAIL_TYPES[name]}

${when}

- \`detail-type\`: \`${DETAIL_TYPES[name]}\`
- delivery: ${promise}

An example of \`detail\`:

${fenced(detail)}

<details><summary>Its JSON Schema</summary>

${fenced(jsonSchema(schema))}

</details>
`;
}

const page = async (): Promise<string> => `# Events of a job

A job puts events on the account's default event bus of EventBridge, with the source \`${EVENT_SOURCE}\`.

| \`detail-type\` | \`detail.state\` | delivery |
| --- | --- | --- |
| \`${DETAIL_TYPES.started}\` | \`planning\` or \`running\` | at least once |
| \`${DETAIL_TYPES.progressed}\` | \`running\` | at most once for each percentage |
| \`${DETAIL_TYPES.completed}\` | \`completed\` | at least once |
| \`${DETAIL_TYPES.cancelled}\` | \`cancelled\` | at least once |
| \`${DETAIL_TYPES.failed}\` | \`failed\` | at least once |

A rule for the ends of all jobs:

${fenced({ source: [EVENT_SOURCE], detail: { state: ['completed', 'cancelled', 'failed'] } })}

- **Duplicates.** An event may come twice. \`detail.id\` is the same in each copy, where the \`id\` that EventBridge gives is not:
  ignore a \`detail.id\` that you have handled.
- **Order.** None is promised. A start may arrive after progress, so compare \`percent\` with what you have.
- **Changes.** Fields are added and none is removed: ignore those that you do not know.
- **Trust.** Every principal that may call \`events:PutEvents\` on the bus can put events there in this source's name, so look at the
  \`account\` of the event, and let few use the bus.
- An event never holds up the rows of a job. Only its end waits until the bus has taken its event.

${(await Promise.all(EVENTS.map(section))).join('\n')}`;

describe('the reference of the events', () => {
  it('is what the schemas say', async () => {
    await expect(await page()).toMatchFileSnapshot('../../docs/events.md');
  });

  it.each(EVENTS)(
    'has $name with every field that its schema describes, and no other',
    async (documented) => {
      const { source, detailType, detail } = await entryOf(documented.example);
      expect([source, detailType]).toEqual([EVENT_SOURCE, DETAIL_TYPES[documented.name]]);
      const parsed = z.safeParse(documented.schema, detail);
      expect(parsed.error).toBeUndefined();
      // What the schema does not know is left out by parsing.
      expect(parsed.data).toEqual(detail);
    },
  );

  it('describes every event that there is', () => {
    expect(EVENTS.map(({ name }) => name).sort()).toEqual(Object.keys(DETAIL_TYPES).sort());
  });
});
