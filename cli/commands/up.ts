// spillway up: the embedded cloud and the pipeline, until Ctrl-C.
import type { Command } from 'commander';

export function addUpCommand(program: Command): void {
  program.command('up');
}
