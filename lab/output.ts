// stdout of the benchmarks and of chaos: what can't be written ends them with one line instead of a stack.
import { lostOutputText } from '../shared/text/system-fault.ts';

/** Called once, before anything is printed. A reader that has gone, as of `| head`, is no fault. */
export function guardOutput(): void {
  process.stdout.on('error', (error) => {
    const text = lostOutputText(error);
    if (text !== undefined) console.error(text);
    process.exit(text === undefined ? (process.exitCode ?? 0) : 1);
  });
  // stderr is where this would be reported. The exit code still says how it went.
  process.stderr.on('error', () => undefined);
}
