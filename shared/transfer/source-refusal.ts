// A request to a copy's source that was refused: the item's fault, but none of the destination's.
import type { Fault } from '../aws/classify.ts';

export class SourceRefusal extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, cause: unknown) {
    super(fault.message, { cause });
    this.fault = fault;
  }
}
