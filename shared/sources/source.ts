// What a source is: the place that a row's bytes come from. A source is one file behind this port, listed in table.ts.
//
//   check       may this deployment read it: asked at ingest for each row, and again before each transfer
//   write       makes the object, one try at a time (ObjectWriter)
//   recognise   tells our own object from another's, after a lost answer (ObjectWriter)
//   transfer    in place of both, where the object takes requests of its own, such as those that read it (PartedWriter)
//
// What a row's columns may hold is the manifest's to check, in manifest/columns.ts.
import type { S3Client } from '@aws-sdk/client-s3';
import type { ItemId } from '../job/identity.ts';
import type { ManifestItem } from '../manifest/columns.ts';
import type { Clock } from '../time/clock.ts';
import type { ObjectWrite, ObjectWriter, PartedWriter } from '../transfer/object-writer.ts';
import type { WebClientDependencies } from './https/client.ts';
import type { CopyMemory } from './s3-copy/copy-memory.ts';

/** What the deployment says of its sources. */
export interface SourceConfiguration {
  /** Buckets that rows may name as sources. */
  buckets: readonly string[];
  /** Hosts that rows may name: `files.example.com`, or `*.example.com` for every name below it. Absent: none. */
  hosts?: readonly string[];
}

/** Why a row is not transferred: its code in the report, and a message that names the remedy. */
export interface Refusal {
  code: string;
  message: string;
}

/** How server-side copies are made. */
export interface CopyOptions {
  /** Remembers copies in parts from delivery to delivery. Absent: one that is unfinished is aborted. */
  memory?: CopyMemory;
  /** Bytes above which a copy goes in parts; 256 MiB by default. */
  inPartsAboveBytes?: number;
  /** Whether the caller pays for reads of buckets of which the requester pays. */
  requesterPays?: boolean;
}

export interface SourceDependencies {
  /** Reads sources and writes objects; retries and pace are the engine's. */
  s3: S3Client;
  clock: Clock;
  copies?: CopyOptions;
  /** Absent: no host of the web is read. */
  web?: WebAccess;
}

/** How sources on the web are reached. */
export interface WebAccess extends Omit<WebClientDependencies, 'clock'> {
  /** As in SourceConfiguration: redirects are checked against them, too. */
  hosts: readonly string[];
  /** Bytes of one object. Absent: what an invocation can read. */
  mostBytes?: number;
}

export interface Source {
  /** Asks nothing of the source itself. @returns undefined where the row may be transferred */
  check(item: ManifestItem, configuration: SourceConfiguration): Refusal | undefined;
  /**
   * Made once, with the first row of the source: what the objects share, such as the regions of buckets, is kept here. Its code
   * is loaded then, so that the cold start of a worker does not wait for sources that its rows do not use.
   */
  createWriter(dependencies: SourceDependencies): Promise<SourceWriter>;
}

export interface SourceWriter {
  /**
   * Sends no request yet.
   * @param id of the row, under which what its deliveries have begun is remembered; absent: it is not
   * @returns the writer of the row's object for one delivery
   */
  begin(item: ManifestItem, write: ObjectWrite, id?: ItemId): ObjectWriter | PartedWriter;
}

/** The writer of rows of every source. */
export interface ItemWriter {
  /** As that of a SourceWriter, once the code of the row's source is loaded. */
  begin(item: ManifestItem, write: ObjectWrite, id?: ItemId): Promise<ObjectWriter | PartedWriter>;
}
