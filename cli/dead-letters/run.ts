// Lists the dead letters: what was sent, what became of it, and where the raw message is kept.
import type { ApiClient, DeadLetterList } from '../api/client.ts';
import { openApi } from '../api/open.ts';
import type { ApiOptions } from '../api/options.ts';
import { forgetsText } from '../jobs/job-text.ts';
import { terminal } from '../terminal/terminal.ts';
import { line, lines, type TerminalText } from '../terminal/text.ts';
import { amountText, timeText } from '../text.ts';

/** The API's own bound of a page. */
const PAGE = 100;

export interface DeadLettersOptions extends ApiOptions {
  since?: string;
  limit: number;
}

type Letter = DeadLetterList['letters'][number];

export async function runDeadLetters({ api, json, since, limit }: DeadLettersOptions): Promise<void> {
  const { letters, keptDays, cursor, embeddedSince } = await readLetters(openApi(api), limit, since);
  if (json) {
    terminal.json({ letters, ...(cursor === undefined ? {} : { cursor }) });
    return;
  }
  if (letters.length === 0) {
    terminal.out(since === undefined ? line`No dead letters.` : line`No dead letters since ${since}.`);
    if (embeddedSince !== undefined) terminal.out(forgetsText(embeddedSince));
    return;
  }
  const rest = letters.at(-1)?.sentAt ?? '';
  terminal.out(
    lines([
      line`${amountText(letters.length, 'dead letter')}, by the time of sending.${keptText(keptDays)}`,
      ...letters.map(letterText),
      ...(cursor === undefined ? [] : ['', line`There are more: spillway deadletters --since ${rest}`]),
    ]),
  );
}

async function readLetters(
  api: ApiClient,
  limit: number,
  since: string | undefined,
): Promise<DeadLetterList> {
  const letters: Letter[] = [];
  let cursor = since;
  let keptDays: number | undefined;
  let embeddedSince: string | undefined;
  while (letters.length < limit) {
    const page = await api.deadLetters(Math.min(PAGE, limit - letters.length), cursor);
    letters.push(...page.letters);
    ({ cursor, keptDays, embeddedSince } = page);
    if (cursor === undefined) break;
  }
  return { letters, keptDays, cursor, embeddedSince };
}

function keptText(days: number | undefined): string {
  return days === undefined ? '' : ` Each is kept for ${amountText(days, 'day')}.`;
}

function letterText({ sentAt, queue, source, kind, reason, place, ...letter }: Letter): TerminalText {
  return lines([
    '',
    line`${timeText(sentAt)}  ${source ?? queue}`,
    line`  ${kind}: ${reason}`,
    ...rowText(letter),
    line`  raw  ${place}`,
  ]);
}

function rowText({ job, slice, block, number }: Partial<Letter>): TerminalText[] {
  if (job === undefined) return [];
  const within = Object.entries({ slice, block, row: number }).filter(([, at]) => at !== undefined);
  return [line`  job  ${[job, ...within.map(([name, at]) => `${name} ${at}`)].join(', ')}`];
}
