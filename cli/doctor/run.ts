// Prints what the doctor has found, and ends with 1 where something failed.
import { systemClock } from '../../shared/time/clock.ts';
import { openAws } from '../aws/open.ts';
import { prefixOf, type StageOptions } from '../aws/options.ts';
import { terminal } from '../terminal/terminal.ts';
import { line, lines, padEnd, type TerminalText } from '../terminal/text.ts';
import { amountText } from '../text.ts';
import { askUnsigned } from './ask.ts';
import { createClients } from './clients.ts';
import { type Examination, examineStage } from './examination.ts';
import type { Finding, Level } from './finding.ts';

const LEVELS: readonly Level[] = ['ok', 'warn', 'fail', 'unchecked'];
const LEVEL_WIDTH = 9;

export async function runDoctor(options: StageOptions): Promise<void> {
  const settings = await openAws(options);
  const clients = createClients(settings);
  const place = { prefix: prefixOf(options), stage: options.stage, region: settings.region };
  try {
    // Under another endpoint than AWS's there is no API Gateway that passes requests on.
    const ask = options.endpointUrl === undefined ? askUnsigned : undefined;
    const examination = await examineStage({ clients, clock: systemClock, ask }, place);
    const counts = countLevels(examination.findings);
    if (options.json) terminal.json({ ...place, ...examination, counts });
    else terminal.out(examinationText(place.prefix, examination, counts));
    process.exitCode = counts.fail > 0 ? 1 : 0;
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

function countLevels(findings: readonly Finding[]): Record<Level, number> {
  const counts = { ok: 0, warn: 0, fail: 0, unchecked: 0 };
  for (const { level } of findings) counts[level] += 1;
  return counts;
}

function examinationText(
  prefix: string,
  { findings }: Examination,
  counts: Record<Level, number>,
): TerminalText {
  const said = LEVELS.filter((level) => counts[level] > 0).map((level) => `${counts[level]} ${level}`);
  return lines([
    ...findings.flatMap(findingText),
    '',
    line`${prefix}: ${amountText(findings.length, 'finding')}, ${said.join(', ')}`,
  ]);
}

function findingText({ check, level, about, message, remedy }: Finding): TerminalText[] {
  const where = about === undefined ? line`` : line`${about}: `;
  return [
    line`${padEnd(level, LEVEL_WIDTH)}  ${check}  ${where}${message}`,
    ...(remedy === undefined ? [] : [line`${padEnd('', LEVEL_WIDTH)}  → ${remedy}`]),
  ];
}
