// A refused request to an object's source. It says nothing of the destination's rate.
import type { Fault } from '../aws/classify.ts';
import { KnownFault } from './known-fault.ts';

export class SourceRefusal extends KnownFault {
  /** The bucket, or the host, that refused, and what was asked for there. */
  readonly place: { bucket: string; key: string };

  constructor(fault: Fault, place: { bucket: string; key: string }, cause?: unknown) {
    super(fault, cause);
    this.place = place;
  }
}
