// A fault of an object's source, not of S3: the item fails, and no retry helps.

export class SourceFault extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
