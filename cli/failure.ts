// Failures that a user can do something about: they end the command with their message alone, without a stack.
import { missingPackageText } from './node/missing-package.js';
import { line, lines, type TerminalText } from './terminal/text.ts';

/** Frames of a stack that are shown, and causes of an error that are looked at: what is wrong is at the top. */
const MAX_FRAMES = 50;
const MAX_CAUSES = 5;

/** Of a command that was given wrongly. */
export const USAGE_EXIT_CODE = 2;

/** `message` says what is wrong and what to do. */
export class Failure extends Error {
  readonly exitCode: number;
  /** Shown below the message, each on a line. */
  readonly details: readonly string[];

  constructor(
    message: string,
    { exitCode = 1, details = [], cause }: { exitCode?: number; details?: string[]; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.exitCode = exitCode;
    this.details = details;
  }
}

/** Of a command that was given wrongly. */
export function usageFailure(message: string): Failure {
  return new Failure(message, { exitCode: USAGE_EXIT_CODE });
}

/** The error as a Failure, for a command that has its result to print before it ends with it. */
export function failureOf(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure(describeError(error), { cause: error });
}

/** What an error says of itself, to stand in a sentence. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Failure) return error.message;
  const missing = missingPackageText(error);
  if (missing !== undefined) return missing;
  const named = nameOf(error);
  return isDebugging() ? named : `${named} (SPILLWAY_DEBUG=1 shows where)`;
}

/** The error, and those that caused it: the system's is at the end. */
export function errorChain(error: unknown): NodeJS.ErrnoException[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && chain.length <= MAX_CAUSES; each = each.cause)
    chain.push(each);
  return chain;
}

/** What ended the command, as the terminal shows it; where it was thrown only if SPILLWAY_DEBUG asks for it. */
export function errorText(error: unknown): TerminalText {
  const details = error instanceof Failure ? error.details.map((detail) => line`  ${detail}`) : [];
  const where = isDebugging() ? whereText(error) : [];
  return lines([line`spillway: ${describeError(error)}`, ...details, ...where]);
}

function isDebugging(): boolean {
  return process.env['SPILLWAY_DEBUG'] !== undefined;
}

function nameOf({ name, message }: Error): string {
  return name === 'Error' ? message : `${name}: ${message}`;
}

function whereText(error: unknown): TerminalText[] {
  return errorChain(error).flatMap((each, causes) => [
    ...(causes === 0 ? [] : [line`  because of ${nameOf(each)}`]),
    ...framesOf(each).map((frame) => line`    ${frame}`),
  ]);
}

/** A stack begins with the message, whose lines are no frames. */
function framesOf({ stack = '', message }: Error): string[] {
  return stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .map((frame) => frame.trim())
    .filter((frame) => frame.startsWith('at '))
    .slice(0, MAX_FRAMES);
}
