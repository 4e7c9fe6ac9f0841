// A fault whose sender has classified it already: it comes from no S3 client, so classifyFault could not tell.
import type { Fault } from '../aws/classify.ts';
import type { PacedPlace } from './paced-request.ts';

export class KnownFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, cause?: unknown) {
    super(fault.message, { cause });
    this.fault = fault;
  }
}

/** A refused request to an object's source. It says nothing of the destination's rate. */
export class SourceRefusal extends KnownFault {
  /** The bucket, or the host, that refused, and what was asked for there. */
  readonly place: PacedPlace;

  constructor(fault: Fault, place: PacedPlace, cause?: unknown) {
    super(fault, cause);
    this.place = place;
  }
}
