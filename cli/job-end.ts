// The end of a job, read from the event on the bus: counts, and where the report lies.
//
// Any client can put an event on the bus in Spillway's name, so each is validated.
import * as z from 'zod/mini';
import type { EventBridgeEntry } from '../local/aws/eventbridge/event-bus.ts';
import type { Cloud } from '../local/cloud.ts';
import { type EndState, emptyTotals, type JobFault, type SettledTotals } from '../shared/job/job.ts';
import { EVENT_SOURCE, isBeforeEnd } from '../shared/report/job-event-names.ts';

export interface JobEnd extends SettledTotals {
  job: string;
  state: EndState;
  unaccounted: number;
  report?: string | undefined;
  fault?: JobFault | undefined;
  manifest: { bucket: string; key: string };
  endedAtMs: number;
}

export interface JobEvents {
  /** Oldest first, each job once: an event may come twice. */
  ends: JobEnd[];
  /** Events in Spillway's name that are no job's end, oldest first. */
  malformed: MalformedEvent[];
}

export interface MalformedEvent {
  id: string;
  /** What is wrong, from outside: bound and escape it. */
  fault: string;
}

const count = z._default(z.number().check(z.nonnegative()), 0);
const counts = Object.fromEntries(Object.keys(emptyTotals()).map((name) => [name, count]));
const detailSchema = z.looseObject({
  job: z.string().check(z.minLength(1)),
  state: z.enum(['completed', 'cancelled', 'failed']),
  manifest: z.looseObject({ bucket: z.string(), key: z.string() }),
  report: z.optional(z.string()),
  fault: z.optional(z.looseObject({ code: z.string(), message: z.string() })),
  unaccounted: count,
  ...(counts as Record<keyof SettledTotals, typeof count>),
});

type Reading = { kind: 'end'; end: JobEnd } | { kind: 'malformed'; event: MalformedEvent };

/** The bus keeps 10,000 events, and is looked at several times a second. */
const readings = new WeakMap<EventBridgeEntry, Reading>();

export function jobEnds(cloud: Pick<Cloud, 'events'>): JobEnd[] {
  return readJobEvents(cloud).ends;
}

export function readJobEvents(cloud: Pick<Cloud, 'events'>): JobEvents {
  const ends = new Map<string, JobEnd>();
  const malformed: MalformedEvent[] = [];
  for (const entry of cloud.events()) {
    if (entry.source !== EVENT_SOURCE || isBeforeEnd(entry)) continue;
    const reading = readings.get(entry) ?? readingOf(entry);
    readings.set(entry, reading);
    if (reading.kind === 'malformed') malformed.push(reading.event);
    else if (!ends.has(reading.end.job)) ends.set(reading.end.job, reading.end);
  }
  return { ends: [...ends.values()], malformed };
}

function readingOf({ id, time, detail }: EventBridgeEntry): Reading {
  const parsed = detailSchema.safeParse(detail);
  if (parsed.success) {
    return { kind: 'end', end: { ...parsed.data, endedAtMs: Date.parse(time) } };
  }
  const { path = [], message = '' } = parsed.error.issues[0] ?? {};
  const fault = [path.map(String).join('.'), message].filter((part) => part !== '').join(': ');
  return { kind: 'malformed', event: { id, fault } };
}
