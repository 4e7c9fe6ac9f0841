// Whether the sender of an S3 request may do what it asks for, and what S3 answers where it may not.
import type { IncomingHttpHeaders } from 'node:http';
import { listAccess, readPlace, type S3Place, s3Access } from '../../iam/s3-access.ts';
import type { GatewayParts } from '../gateway.ts';
import { isExpired, signerOfQuery } from './presigned-query.ts';
import { accessDenied, type S3Fault } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';

export interface S3Permissions {
  /** For requests that name their objects in their bodies. */
  place: S3Place;
  /** Why the sender may not do this; undefined where it may. */
  refusal(s3: S3Request, headers: IncomingHttpHeaders): S3Fault | undefined;
}

type Dependencies = Pick<GatewayParts, 'authorizer' | 'clock' | 'objectHeaders' | 'objects' | 'owners'>;

export function createS3Permissions(
  { authorizer, clock, objectHeaders, objects, owners }: Dependencies,
  { region, accountId }: { region: string; accountId: string },
): S3Permissions {
  const place: S3Place = {
    region,
    accountId,
    ownerOf: owners.ownerOf,
    keyOf(objectPlace) {
      const object = objects.at(objectPlace);
      return object === undefined ? undefined : objectHeaders.keyOf(object);
    },
  };
  return {
    place,
    refusal(s3, headers) {
      if (isExpired(s3.query, clock.now())) return accessDenied('Request has expired');
      const authorization = headers.authorization ?? signerOfQuery(s3.query);
      if (!authorizer.isChecked(authorization)) return undefined;
      const reason = authorizer.deny(authorization, s3Access(s3, headers, place));
      if (reason !== undefined) return accessDenied(reason);
      const read = readPlace(s3);
      if (read === undefined || objects.at(read) !== undefined) return undefined;
      const mayList = authorizer.deny(authorization, [listAccess(read.bucket, place)]) === undefined;
      return mayList ? undefined : accessDenied();
    },
  };
}
