// What S3 refuses to every sender, and what this cloud does not emulate: fauxqs would take it for another operation.
import type { IncomingHttpHeaders } from 'node:http';
import type { GatewayParts } from '../gateway.ts';
import { hasUnknownCondition } from './conditional-writes.ts';
import { OBJECT_OPERATIONS_OF_FAUXQS } from './fauxqs-requests.ts';
import { faultOf, type S3Fault } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';

/** No bucket is made with a longer name here. One that is there from the start may have an older name, of up to 255. */
const MAX_BUCKET_CHARACTERS = 63;
/** fauxqs' router finds no bucket of a longer name. */
const MAX_BUCKET_CHARACTERS_OF_FAUXQS = 100;
/** S3 user guide, "Naming Amazon S3 objects": in UTF-8. */
const MAX_KEY_BYTES = 1_024;

type Dependencies = Pick<GatewayParts, 'objectRequests' | 'objects'>;

export function refusalOf(
  dependencies: Dependencies,
  s3: S3Request,
  headers: IncomingHttpHeaders,
): S3Fault | undefined {
  return unemulated(dependencies, s3) ?? headerRefusal(s3, headers) ?? formRefusal(s3, headers);
}

function unemulated(
  { objectRequests, objects }: Dependencies,
  { bucket, key, operation }: S3Request,
): S3Fault | undefined {
  if (bucket.length > MAX_BUCKET_CHARACTERS && !objects.hasBucket(bucket)) {
    return operation === 'CreateBucket' ? faultOf(400, 'InvalidBucketName') : faultOf(404, 'NoSuchBucket');
  }
  if (bucket.length > MAX_BUCKET_CHARACTERS_OF_FAUXQS && !objectRequests.handles(operation)) {
    return faultOf(501, 'NotImplemented');
  }
  if (key === '') return undefined;
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return faultOf(400, 'KeyTooLongError');
  if (objectRequests.handles(operation) || OBJECT_OPERATIONS_OF_FAUXQS.has(operation)) return undefined;
  const isMethod = operation === 'PostObject' || /^[A-Z]+$/.test(operation);
  return isMethod ? faultOf(405, 'MethodNotAllowed') : faultOf(501, 'NotImplemented');
}

/** Such a write would ignore the header and overwrite the object. S3 refuses such an ETag in the same way. */
function headerRefusal({ operation }: S3Request, headers: IncomingHttpHeaders): S3Fault | undefined {
  const isAppending = operation === 'PutObject' && headers['x-amz-write-offset-bytes'] !== undefined;
  return isAppending || hasUnknownCondition(operation, headers) ? faultOf(501, 'NotImplemented') : undefined;
}

/** fauxqs would take it for a list of objects to delete. Text and status as S3 gives them. */
function formRefusal({ key, operation }: S3Request, headers: IncomingHttpHeaders): S3Fault | undefined {
  if (operation !== 'PostObject' || key !== '') return undefined;
  if (/^multipart\/form-data\b/i.test(headers['content-type'] ?? '')) return undefined;
  const condition = 'Bucket POST must be of the enclosure-type multipart/form-data';
  return { ...faultOf(412, 'PreconditionFailed'), condition };
}
