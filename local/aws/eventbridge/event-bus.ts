// EventBridge's PutEvents, enough of it: entries are checked, passed on, and answered with ids.
import { randomUUID } from 'node:crypto';
import { isRecord, parseJson } from '../../../shared/text/parse-json.ts';
import type { Clock } from '../../../shared/time/clock.ts';

export interface EventBridgeEntry {
  id: string;
  /** ISO time. */
  time: string;
  eventBusName: string;
  source: string;
  detailType: string;
  detail: unknown;
  resources: string[];
}

export interface EventBus {
  /** The answer to PutEvents: accepted and refused entries, in the order of the request. */
  put(request: unknown): PutEventsAnswer;
}

export type PutEventsAnswer =
  | { kind: 'invalid'; code: string; message: string }
  | { kind: 'taken'; failed: number; entries: EntryAnswer[] };

type EntryAnswer = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

/** Entries a request may hold, by AWS's quota. */
const ENTRIES_PER_REQUEST = 10;

export function createEventBus({
  clock,
  onEntry,
}: {
  clock: Clock;
  onEntry: (entry: EventBridgeEntry) => void;
}): EventBus {
  function take(raw: unknown): EntryAnswer {
    const given = (raw ?? {}) as Record<string, unknown>;
    const { Source, DetailType, Detail, EventBusName, Resources, Time } = given;
    if (typeof Source !== 'string' || Source === '') return invalid('Source');
    if (typeof DetailType !== 'string' || DetailType === '') return invalid('DetailType');
    if (typeof Detail !== 'string') return invalid('Detail');
    const time = new Date(typeof Time === 'number' ? Time * 1000 : clock.now());
    if (Number.isNaN(time.getTime())) return invalid('Time');
    const detail = parseJson(Detail);
    if (!isRecord(detail)) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    const entry: EventBridgeEntry = {
      id: randomUUID(),
      time: time.toISOString(),
      eventBusName: typeof EventBusName === 'string' ? EventBusName : 'default',
      source: Source,
      detailType: DetailType,
      detail,
      resources: Array.isArray(Resources) ? Resources.map(String) : [],
    };
    onEntry(entry);
    return { EventId: entry.id };
  }

  return {
    put(request) {
      const entries = (request as { Entries?: unknown } | undefined)?.Entries;
      if (!Array.isArray(entries) || entries.length === 0 || entries.length > ENTRIES_PER_REQUEST) {
        return {
          kind: 'invalid',
          code: 'ValidationException',
          message: `Entries must hold 1 to ${ENTRIES_PER_REQUEST} members.`,
        };
      }
      const answers = entries.map(take);
      return {
        kind: 'taken',
        failed: answers.filter((answer) => 'ErrorCode' in answer).length,
        entries: answers,
      };
    },
  };
}

function invalid(parameter: string): EntryAnswer {
  return { ErrorCode: 'InvalidArgument', ErrorMessage: `Parameter ${parameter} is not valid.` };
}
