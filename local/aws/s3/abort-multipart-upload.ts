// AbortMultipartUpload: the parts so far are gone at once.
import type { ObjectAction } from './object-action.ts';

export const abortMultipartUpload: ObjectAction = ({ uploads }, { s3, request }) => {
  request.resume();
  uploads.abort(uploads.find(s3).uploadId);
  return { status: 204, headers: {} };
};
