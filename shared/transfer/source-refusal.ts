// A refused request to an object's source. It says nothing of the destination's rate.
import type { Fault } from '../aws/classify.ts';

export class SourceRefusal extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, cause: unknown) {
    super(fault.message, { cause });
    this.fault = fault;
  }
}
