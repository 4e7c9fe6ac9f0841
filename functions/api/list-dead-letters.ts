// GET /deadletters: the stored dead letters, without their messages.
import { cursorBehind, type DeadLetterFiles, isLetterCursor } from '../../shared/report/dead-letters.ts';
import { json, type RouteHandler } from './json-api.ts';
import { pageOf } from './page.ts';
import { faultAt } from './problem.ts';

const NO_LETTER_CURSOR =
  'the cursor is neither one that this API gave out nor a time such as 2026-11-24: leave it out to start with the oldest letter';

export interface ListDeadLettersDependencies {
  deadLetters: Pick<DeadLetterFiles, 'list' | 'placeOf'>;
  /** Days for which the report bucket keeps dead letters. */
  keepDays: number;
}

export function createListDeadLetters({
  deadLetters,
  keepDays,
}: ListDeadLettersDependencies): RouteHandler<'listDeadLetters'> {
  return async ({ query: { limit, cursor } }) => {
    if (cursor !== undefined && !isLetterCursor(cursor)) throw faultAt(400, 'query.cursor', NO_LETTER_CURSOR);
    const { letters, cursor: next } = await deadLetters.list(limit, cursor);
    const found = letters.map((letter) => ({
      view: { ...letter, place: deadLetters.placeOf(letter) },
      behind: cursorBehind(letter),
    }));
    const page = pageOf(found, next);
    return json(200, { letters: page.views, keptDays: keepDays, ...page.next });
  };
}
