// What the actions on objects have in common: what they are given, and the answer that they return.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Clock } from '../../../shared/time/clock.ts';
import type { S3Object } from '../fauxqs-parts.ts';
import type { MultipartUploads } from './multipart-uploads.ts';
import type { ObjectBody } from './object-body.ts';
import type { ObjectHeaders } from './object-headers.ts';
import type { ObjectStore, Touched } from './object-store.ts';
import type { S3Request } from './s3-requests.ts';
import type { Spool } from './spool.ts';
import type { StoredObject } from './stored-object.ts';

export interface ObjectDependencies {
  clock: Clock;
  objectHeaders: ObjectHeaders;
  objects: ObjectStore;
  spool: Spool;
  uploads: MultipartUploads;
}

export interface ObjectCall {
  s3: S3Request;
  request: IncomingMessage;
  /**
   * Called in the same turn as the write, so that nothing comes between.
   * @throws unless the request's conditions on the object, and on the source of a copy, hold
   */
  assertConditions: (source?: StoredObject) => void;
}

export interface ObjectAnswer {
  status: number;
  headers: Record<string, string | number>;
  /** Text is XML. A body's holds are the answer's: they are let go once it is sent. */
  content?: string | ObjectBody;
  /** The object that was written or read. */
  touched?: Touched | undefined;
  /** What a copy was made from. */
  source?: S3Object;
  /** The headers that described the object, if an earlier request had them. */
  keptHeaders?: IncomingHttpHeaders;
}

export type ObjectAction = (
  dependencies: ObjectDependencies,
  call: ObjectCall,
) => ObjectAnswer | Promise<ObjectAnswer>;

export function xmlAnswer(xml: string, more: Partial<ObjectAnswer> = {}): ObjectAnswer {
  return {
    status: 200,
    ...more,
    headers: { 'content-type': 'application/xml', ...more.headers },
    content: `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`,
  };
}
