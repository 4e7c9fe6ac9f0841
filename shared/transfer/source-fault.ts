// What is wrong with the source of an object, and not with S3: the item ends failed, whatever S3 would say.

export class SourceFault extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
