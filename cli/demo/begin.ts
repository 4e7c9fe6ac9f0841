// Prints the demo's first line before the cloud is loaded, which takes much longer.
import { onInterrupt } from '../interrupt.ts';
import { terminal } from '../terminal/terminal.ts';
import { line, type TerminalText } from '../terminal/text.ts';
import { amountText, countText } from '../text.ts';
import { type ChosenFiles, chooseFiles } from './files.ts';
import type { DemoOptions, RunningDemo } from './run.ts';

export async function beginDemo(directory: string | undefined, options: DemoOptions): Promise<void> {
  const say = options.json ? terminal.err : terminal.out;
  const running: RunningDemo = {};
  const interrupt = onInterrupt(async () => {
    running.progress?.end();
    terminal.err(line`\nInterrupted: the cloud was in memory, and is gone with its objects.`);
    await running.cloud?.stop();
  });
  const files = await chooseFiles(directory, options.files);
  say(heading(files, options.limit));
  const { runDemo } = await import('./run.ts');
  await runDemo({ running, interrupt }, files, options);
}

function heading({ folder, keys, isCut }: ChosenFiles, limit: number): TerminalText {
  const which = `${isCut ? 'the first ' : ''}${amountText(keys.length, 'file')}`;
  return line`Spillway: ${which} of ${folder} to an S3 that takes ${countText(limit)} writes a second`;
}
