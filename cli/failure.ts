// Failures that a user can do something about: they end the command with their message alone, without a stack.

/** `message` says what is wrong and what to do. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, { exitCode = 1, cause }: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/** What an unexpected error says of itself; the stack only where SPILLWAY_DEBUG asks for it. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Failure) return error.message;
  if (process.env['SPILLWAY_DEBUG'] !== undefined) return error.stack ?? error.message;
  const named = error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
  return `${named} (SPILLWAY_DEBUG=1 shows where)`;
}
