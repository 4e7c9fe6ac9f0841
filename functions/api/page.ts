// A page of a list: what its query asks for, and how much of it one answer holds.
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { HttpError } from './json-api.ts';

const LIMIT = { default: 25, most: 100 };
/** More than a cursor of ours has: one of jobs about 80 characters, one of dead letters the name of a queue and two ids. */
const MAX_CURSOR_LENGTH = 512;
/**
 * Bytes of JSON in one answer. Lambda takes 6 MB, in which the body is a string of JSON in JSON: quotes and control characters
 * are escaped once more.
 */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface PageQuery {
  limit: number;
  cursor: string | undefined;
}

export function pageOf({ queryStringParameters = {} }: APIGatewayProxyEventV2): PageQuery {
  const { limit: limitText, cursor } = queryStringParameters;
  const limit = limitText === undefined ? LIMIT.default : Number(/^\d{1,3}$/.exec(limitText)?.[0]);
  if (!(limit >= 1 && limit <= LIMIT.most)) throw new HttpError(400, `limit takes 1 to ${LIMIT.most}`);
  if (cursor !== undefined && !new RegExp(`^[\\x20-\\x7e]{0,${MAX_CURSOR_LENGTH}}$`).test(cursor))
    throw new HttpError(400, 'the cursor is not one that this API gave out: leave it away to start over');
  return { limit, cursor };
}

/** The first entries, as many as one answer holds: at least one, so that its cursor leads on. */
export function fitting<Entry>(entries: readonly Entry[]): readonly Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry) => {
    bytes += Buffer.byteLength(JSON.stringify(entry));
    return bytes > MAX_ANSWER_BYTES;
  });
  return end === -1 ? entries : entries.slice(0, Math.max(1, end));
}
