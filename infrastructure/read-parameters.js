// Reads the values of the parameters, each as its entry in the table says. Every fault is reported, not the first.
import { bucketNames, shown } from './bucket-names.js';
import { hostNames } from './host-names.js';
import { topicArns } from './inboxes.js';
import { keyArns } from './kms-keys.js';
import { PARAMETERS } from './parameters.js';

/** @typedef {import('./parameters.js').Parameter} Parameter */
/** @typedef {import('./parameters.js').ParameterName} ParameterName */
/** @typedef {import('./bucket-names.js').Stack} Stack */
/** @typedef {(name: string) => Promise<unknown>} ResolveVariable */

/**
 * The values by name: numbers, lists of names, and text, `true` and `false` among it. A number with a fault is NaN.
 * @typedef {{ [Name in import('./parameters.js').NamesOf<'whole number'>]: number }
 *   & { [Name in import('./parameters.js').NamesOf<'whole number or none'>]: number | undefined }
 *   & { [Name in import('./parameters.js').NamesOf<'list'>]: string[] }
 *   & { [Name in import('./parameters.js').NamesOf<'text' | 'boolean'>]: string }} Values
 */

const NAMES = /** @type {ParameterName[]} */ (Object.keys(PARAMETERS));

/**
 * @param {ResolveVariable} resolveVariable of osls
 * @param {Stack} stack
 * @param {string[]} faults takes what is wrong
 * @returns {Promise<Values>}
 */
export async function readParameters(resolveVariable, stack, faults) {
  await checkNames(resolveVariable, stack, faults);
  const values = /** @type {Record<string, number | string | string[] | undefined>} */ ({});
  for (const name of NAMES) {
    const text = String((await resolveVariable(`param:${name}`)) ?? '');
    values[name] = readValue(name, PARAMETERS[name], text, stack, faults);
  }
  return /** @type {Values} */ (values);
}

/**
 * @param {ParameterName} name
 * @param {Parameter} parameter
 * @param {string} text
 * @param {Stack} stack
 * @param {string[]} faults
 */
function readValue(name, parameter, text, stack, faults) {
  const refuse = () => void faults.push(`${name} is ${shown(text)}; it takes ${takes(parameter)}`);
  switch (parameter.kind) {
    case 'whole number':
    case 'whole number or none': {
      if (parameter.kind === 'whole number or none' && text === '') return undefined;
      const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      const { lowest, highest, values = [number] } = parameter;
      if (number >= lowest && number <= highest && values.includes(number)) return number;
      refuse();
      return Number.NaN;
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') refuse();
      return text;
    case 'text':
      if (text !== '' && !parameter.pattern.test(text)) refuse();
      return text;
    case 'list':
      return LISTS[parameter.of](name, text, stack, faults);
  }
}

/** @type {Record<keyof typeof LIST_ENTRIES, (name: any, text: string, stack: Stack, faults: string[]) => string[]>} */
const LISTS = { buckets: bucketNames, keys: keyArns, topics: topicArns, hosts: hostNames };

const LIST_ENTRIES = {
  buckets: 'names of buckets, `BUCKET` or `BUCKET@ACCOUNT`, separated by commas',
  hosts: 'names of hosts, separated by commas',
  keys: 'ARNs of keys, separated by commas',
  topics: 'ARNs of SNS topics, separated by commas',
};

/**
 * What a parameter takes, for its fault and for the page of reference.
 * @param {Parameter} parameter
 */
export function takes(parameter) {
  switch (parameter.kind) {
    case 'whole number':
      return parameter.values === undefined
        ? `a whole number from ${parameter.lowest} to ${parameter.highest}`
        : `one of ${parameter.values.join(', ')}`;
    case 'whole number or none':
      return `a whole number from ${parameter.lowest} to ${parameter.highest}, or nothing`;
    case 'boolean':
      return 'true or false';
    case 'text':
      return parameter.takes;
    case 'list':
      return LIST_ENTRIES[parameter.of];
  }
}

/**
 * Checks the names that are given: osls ignores an unknown one, and uses the last value of a repeated one.
 * @param {ResolveVariable} resolveVariable
 * @param {Stack} stack
 * @param {string[]} faults
 */
async function checkNames(resolveVariable, { stage }, faults) {
  const isKnown = (/** @type {string} */ name) => Object.hasOwn(PARAMETERS, name);
  const remedy = `the parameters are ${NAMES.join(', ')}`;
  const given = /** @type {string[]} */ ((await resolveVariable('opt:param, null')) ?? []);
  const names = given.map((text) => text.slice(0, text.indexOf('=')));
  for (const name of new Set(names)) {
    if (!isKnown(name)) {
      faults.push(`--param ${shown(name)} is none; ${remedy}`);
    } else if (names.indexOf(name) !== names.lastIndexOf(name)) {
      faults.push(`--param ${name} is given twice, and the last would win; give it once, a list with commas`);
    }
  }
  for (const section of new Set(['default', stage])) {
    const inFile = (await resolveVariable(`self:params.${section}, null`)) ?? {};
    for (const name of Object.keys(/** @type {object} */ (inFile))) {
      if (!isKnown(name))
        faults.push(`params.${section} in serverless.yml has ${shown(name)}, which is none; ${remedy}`);
    }
  }
}
