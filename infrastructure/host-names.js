// Checks the hosts in serverless.yml's parameters: names of the web, or patterns that cover every name below one.
import { entriesOf, shown } from './bucket-names.js';

/** The same rule as shared/text/host-name.ts, which osls can't load. */
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const HOST = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`);

/**
 * @param {string} parameter
 * @param {string} value names, separated by commas
 * @param {unknown} _stack unused: a host belongs to no stack
 * @param {string[]} faults
 * @returns {string[]} the names without duplicates
 */
export function hostNames(parameter, value, _stack, faults) {
  const once = entriesOf(value);
  for (const name of once) {
    const fault = notAHost(name);
    if (fault !== undefined) faults.push(`${parameter} holds ${shown(name)}, ${fault}`);
  }
  return once;
}

/** @param {string} name */
function notAHost(name) {
  const host = name.startsWith('*.') ? name.slice(2) : name;
  if (HOST.test(host)) return undefined;
  if (HOST.test(host.toLowerCase()))
    return `no name of a host. Write it in lower case: ${name.toLowerCase()}`;
  if (/^[\d.]+$|^\[?[\da-f:.]*:[\da-f:.]*\]?$/i.test(name))
    return 'an address. It takes names: no address is read';
  if (name.startsWith('*.') && /^[a-z0-9-]+$/.test(host))
    return 'a pattern for a whole top-level domain: name one below it';
  return 'no name of a host. It takes names such as files.example.com or *.example.com, separated by commas: no https://, port or path';
}
