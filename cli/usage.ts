// What commander prints, made safe: its faults hold the user's arguments as they were given.
import type { OutputConfiguration } from 'commander';
import type { Terminal } from './terminal/terminal.ts';
import { line, lines, ownLines, type TerminalText } from './terminal/text.ts';

export function usageOutput({ out, err }: Pick<Terminal, 'out' | 'err'>): OutputConfiguration {
  return {
    writeOut: (help) => out(ownLines(withoutLastLineFeed(help))),
    writeErr: (help) => err(ownLines(withoutLastLineFeed(help))),
    outputError: (fault) => err(faultText(withoutLastLineFeed(fault))),
  };
}

/** The hint of a similar name stands on a line of its own. Any other line feed came with an argument. */
function faultText(fault: string): TerminalText {
  const [hint = ''] = /\n\(Did you mean [^\n]*\)$/.exec(fault) ?? [];
  const shown = line`${fault.slice(0, fault.length - hint.length)}`;
  return hint === '' ? shown : lines([shown, hint.slice(1)]);
}

function withoutLastLineFeed(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
