// AbortMultipartUpload: the parts so far are gone at once.
import type { ObjectAction } from './object-action.ts';

export const abortMultipartUpload: ObjectAction = ({ uploads }, { s3: { bucket, key, query }, request }) => {
  request.resume();
  const uploadId = query.get('uploadId') ?? '';
  uploads.find(uploadId, bucket, key);
  uploads.abort(uploadId);
  return { status: 204, headers: {} };
};
