// Answers requests for a bucket's configuration, which fauxqs takes for listings.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayParts } from '../gateway.ts';
import { uploadsXml } from './list-parts.ts';
import { answerError, answerXml, faultOf, locationXml, versioningXml } from './s3-answers.ts';
import { isConfiguration, type S3Request } from './s3-requests.ts';

/** True if the request was for a bucket's configuration. */
export function answerConfiguration(
  { objects, region, uploads }: Pick<GatewayParts, 'objects' | 'region' | 'uploads'>,
  s3: S3Request,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { bucket, operation } = s3;
  if (!isConfiguration(operation)) return false;
  if (objects.getBucketType(bucket) === undefined) {
    answerError(request, response, faultOf(404, 'NoSuchBucket'));
  } else if (operation === 'GetBucketVersioning') {
    answerXml(request, response, versioningXml(objects.isVersioned(bucket)));
  } else if (operation === 'PutBucketVersioning') {
    objects.setVersioned(bucket);
    answerXml(request, response, '');
  } else if (operation === 'GetBucketLocation') {
    answerXml(request, response, locationXml(region));
  } else if (operation === 'GetMultipartUploads' && !s3.query.has('delimiter')) {
    answerXml(request, response, uploadsXml(uploads, s3));
  } else {
    answerError(request, response, faultOf(501, 'NotImplemented'));
  }
  return true;
}
