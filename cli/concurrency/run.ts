// Shows or changes how many upload functions of a stage run at once.
import { mostInFlight } from '../../infrastructure/in-flight.js';
import { openAws } from '../aws/open.ts';
import { prefixOf, type StageOptions } from '../aws/options.ts';
import { Failure } from '../failure.ts';
import { terminal } from '../terminal/terminal.ts';
import { line, lines, type TerminalText } from '../terminal/text.ts';
import { countText } from '../text.ts';
import { createFleetClient, type Fleet } from './fleet.ts';
import { boundFault } from './plan.ts';

export async function runConcurrency(wanted: number | undefined, options: StageOptions): Promise<void> {
  const settings = await openAws(options);
  const client = createFleetClient(settings, prefixOf(options));
  try {
    const fleet = await client.read();
    const after = wanted === undefined ? fleet.facts.current : await change(wanted);
    const place = { stage: options.stage, region: settings.region };
    if (options.json) return terminal.json({ ...place, ...resultOf(fleet, after) });
    terminal.out(resultText(fleet, after, wanted, place));

    async function change(most: number): Promise<number | undefined> {
      const fault = boundFault(most, fleet.facts);
      if (fault !== undefined) throw new Failure(fault);
      return most === fleet.facts.current ? most : await client.setBound(fleet, most);
    }
  } finally {
    client.destroy();
  }
}

function resultOf({ functionName, queueArn, enabled, facts }: Fleet, after: number | undefined) {
  const { current, batchSize, others, available } = facts;
  return {
    function: functionName,
    queue: queueArn,
    enabled,
    before: current ?? null,
    after: after ?? null,
    batchSize,
    ...(after === undefined
      ? {}
      : { messagesInFlightMost: mostInFlight({ maximumConcurrency: after, batchSize }) }),
    otherFunctionsMost: others,
    accountMost: available ?? null,
  };
}

function resultText(
  { functionName, enabled, facts, limitUnseen }: Fleet,
  after: number | undefined,
  wanted: number | undefined,
  { stage, region }: { stage: string; region: string },
): TerminalText {
  const { current, batchSize, others, available } = facts;
  const head =
    wanted === undefined
      ? line`${functionName} runs ${boundText(current)} at once.`
      : current === after
        ? line`${functionName} runs ${boundText(after)} at once already: nothing is changed.`
        : line`${functionName} runs ${boundText(after)} at once; it was ${boundText(current)}.`;
  return lines([
    head,
    after !== undefined &&
      line`  in flight   ${countText(mostInFlight({ maximumConcurrency: after, batchSize }))} messages at most, in batches of ${batchSize}`,
    available === undefined
      ? line`  account     its limit is not known${limitUnseen === undefined ? '' : `: ${limitUnseen}`}`
      : line`  account     ${countText(available)} functions at once, of which the stage's other functions may take ${countText(others)}`,
    !enabled && line`  disabled    the event source mapping is switched off: nothing is uploaded`,
    ...(wanted === undefined || current === after
      ? []
      : [
          '',
          line`Lambda applies it within a minute; what runs now runs to its end. A deployment that changes the mapping puts back its own value.`,
          line`To keep this one, deploy it with the stage's other parameters, which are not stored: npx serverless deploy --stage ${stage} --region ${region} --param="maximumConcurrency=${after ?? ''}" ...`,
        ]),
  ]);
}

function boundText(most: number | undefined): string {
  return most === undefined ? 'any number of functions' : `${countText(most)} functions`;
}
