// What the functions' logs say of a run that came to no end.

const LINES = 20;
const LINE_LENGTH = 600;

/** The last warnings and errors. */
export function faultLines(logs: readonly { functionName: string; line: string }[]): string[] {
  return logs
    .filter(({ line }) => /"level":"(WARN|ERROR)"|Error/.test(line))
    .slice(-LINES)
    .map(({ functionName, line }) => `${functionName}: ${line.slice(0, LINE_LENGTH)}`);
}
