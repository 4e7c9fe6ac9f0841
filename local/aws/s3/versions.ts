// The versions of a versioned bucket's objects, and how a version is named within a key on its way through fauxqs.
import { randomUUID } from 'node:crypto';
import type { S3Object } from '../fauxqs-parts.ts';

export type VersionLookup =
  | { kind: 'version'; versionId: string; object: S3Object }
  /** The version, or the newest one, is a delete marker. */
  | { kind: 'deleted' }
  | { kind: 'absent' };

interface Version {
  versionId: string;
  /** Absent: a delete marker. */
  object: S3Object | undefined;
}

export interface Versions {
  add(key: string, object: S3Object): string;
  /** Marks the key as deleted; its versions stay. */
  mark(key: string): void;
  /** Removes one version for good, and returns what is the newest then. */
  drop(key: string, versionId: string): VersionLookup;
  find(key: string, versionId?: string): VersionLookup;
}

export function createVersions(): Versions {
  /** Newest last. */
  const byKey = new Map<string, Version[]>();

  function push(key: string, object: S3Object | undefined): string {
    const versionId = randomUUID().replaceAll('-', '');
    const versions = byKey.get(key);
    if (versions === undefined) byKey.set(key, [{ versionId, object }]);
    else versions.push({ versionId, object });
    return versionId;
  }

  function find(key: string, versionId?: string): VersionLookup {
    const versions = byKey.get(key) ?? [];
    const version =
      versionId === undefined ? versions.at(-1) : versions.find((each) => each.versionId === versionId);
    if (version === undefined) return { kind: 'absent' };
    if (version.object === undefined) return { kind: 'deleted' };
    return { kind: 'version', versionId: version.versionId, object: version.object };
  }

  return {
    add: push,
    mark: (key) => void push(key, undefined),
    drop(key, versionId) {
      const left = (byKey.get(key) ?? []).filter((version) => version.versionId !== versionId);
      if (left.length === 0) byKey.delete(key);
      else byKey.set(key, left);
      return find(key);
    },
    find,
  };
}

/** No key that a client sends holds it: XML and so S3's listings can't carry NUL. */
const VERSION_MARK = '\0versionId=';

export function keyWithVersion(key: string, versionId: string): string {
  return `${key}${VERSION_MARK}${versionId}`;
}

export function parseVersionedKey(text: string): { key: string; versionId: string | undefined } {
  const at = text.lastIndexOf(VERSION_MARK);
  if (at < 0) return { key: text, versionId: undefined };
  return { key: text.slice(0, at), versionId: text.slice(at + VERSION_MARK.length) };
}
