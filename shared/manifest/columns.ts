// The columns of a manifest row, and what each may hold.

export interface ManifestItem {
  key: string;
  source?: string;
  source_version?: string;
  text?: string;
  base64?: string;
  content_type?: string;
  size?: number;
}

/** Frozen in each job: a later parser that reads the same bytes as other rows gets another number. */
export const PARSER_VERSION = 1;

export type ObjectSource =
  | { kind: 's3'; bucket: string; key: string; versionId?: string }
  | { kind: 'bytes'; bytes: Uint8Array };

export function objectSource(_item: ManifestItem): ObjectSource {
  throw new Error('not built yet');
}
