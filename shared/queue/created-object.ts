// A new object of S3 as an announcement of any kind shows it: text from outside, whose place and size nothing has checked yet.

export interface CreatedObject {
  bucket: string;
  /** Decoded. */
  key: string;
  size: number | undefined;
  versionId: string | undefined;
  etag: string | undefined;
  sequencer: string | undefined;
}

/** What was found in an announcement. `none`: it is not of the kind that was looked for. */
export type FoundObjects = { kind: 'objects'; objects: CreatedObject[] } | { kind: 'none'; reason: string };
