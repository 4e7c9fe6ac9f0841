// Which hosts of the web a deployment reads from.
import { isHostCovered } from '../../text/host-name.ts';

/**
 * @param hosts patterns, as isHostCovered takes them
 * @returns why nothing is read from the host, or undefined where it may be
 */
export function hostRefusal(host: string, hosts: readonly string[]): string | undefined {
  if (isHostCovered(host, hosts)) return undefined;
  return `host "${host}" is not allowed: add it to the deployment's parameter sourceHosts`;
}
