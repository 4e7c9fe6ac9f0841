// A fault whose sender has classified it already: it comes from no S3 client, so classifyFault could not tell.
import type { Fault } from '../aws/classify.ts';

export class KnownFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, cause?: unknown) {
    super(fault.message, { cause });
    this.fault = fault;
  }
}
