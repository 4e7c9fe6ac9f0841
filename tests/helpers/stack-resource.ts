// A resource of a deployed stack, as the doctor sees it: it was last changed long ago.
import type { StackResource } from '../../cli/doctor/stack.ts';

export function resource(
  logicalId: string,
  type: string,
  properties: object = {},
  physicalId = logicalId,
): StackResource {
  return { logicalId, type, physicalId, changedAtMs: 0, properties: { ...properties } };
}
