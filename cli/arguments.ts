// Option values of the commands: read from text, or refused with what would do.
import { InvalidArgumentError } from 'commander';
import { faultOfContentType } from '../shared/attributes/checks.ts';
import { parseKeyTemplate } from '../shared/keys/key-template.ts';
import { parseSpread } from '../shared/keys/spread.ts';
import { assertNoUserInfo, isHttpAddress } from './address.ts';

const HIGHEST_PORT = 65_535;

/** A whole number within the bounds, both included. */
function wholeNumberFrom(least: number, most?: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It takes a whole number from ${least}.`);
    if (most !== undefined && value > most) throw new InvalidArgumentError(`It takes ${most} at most.`);
    return value;
  };
}

/** From one. */
export const positiveInteger = wholeNumberFrom(1);
/** From zero. */
export const wholeNumber = wholeNumberFrom(0);
export const wholeNumberUpTo = (most: number) => wholeNumberFrom(0, most);
/** From one. */
export const numberUpTo = (most: number) => wholeNumberFrom(1, most);

/** A number above zero, whole or not. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value <= 0 || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It takes a number above 0.');
  }
  return value;
}

export function portNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > HIGHEST_PORT) {
    throw new InvalidArgumentError(`It takes a port from 0 (any free one) to ${HIGHEST_PORT}.`);
  }
  return value;
}

/** The text as it stands, once it is known to be an S3 endpoint's address. */
export function httpAddress(text: string): string {
  assertNoUserInfo(text, '--endpoint-url');
  if (!isHttpAddress(text))
    throw new InvalidArgumentError('It takes an address such as http://127.0.0.1:4566.');
  return text;
}

/** The text as it stands, once a header can carry it unchanged: HTTP drops spaces at the ends. */
export function contentTypeText(text: string): string {
  if (faultOfContentType(text) !== undefined || text !== text.trim()) {
    throw new InvalidArgumentError(
      'It takes 1 to 256 printable ASCII characters without spaces at the ends, such as text/html.',
    );
  }
  return text;
}

/** The text as it stands, once it is known to be a spread. */
export function spreadText(text: string): string {
  const parsed = parseSpread(text);
  if (parsed.kind === 'invalid') throw new InvalidArgumentError(`The ${parsed.message}.`);
  return text;
}

/** The text as it stands, once it is known to be a key template. */
export function templateText(text: string): string {
  const parsed = parseKeyTemplate(text);
  if (parsed.kind === 'invalid') throw new InvalidArgumentError(`In the template ${parsed.message}.`);
  return text;
}

/** `NAME=VALUE`, added to those before it. */
export function namedValue(text: string, before: readonly (readonly [string, string])[] = []) {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It takes NAME=VALUE.');
  return [...before, [text.slice(0, equals), text.slice(equals + 1)] as const];
}
