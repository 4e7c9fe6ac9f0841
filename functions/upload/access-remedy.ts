// What to do where S3 refused an object for want of a permission.
import { boundedWithTail } from '../../shared/text/bounded.ts';

/** The role has all rights on what the deployment lists, so what is missing is in a list, or in the other side's policy. */
export function withRemedy({ code, message }: { code: string; message: string }): string {
  if (code !== 'AccessDenied') return message;
  return boundedWithTail(
    message,
    /\bkms:/.test(message)
      ? ". List the key in the deployment's parameter kmsKeys, and allow the role of upload in the key's policy"
      : '. A bucket of another account is listed as BUCKET@ACCOUNT in sourceBuckets or destinationBuckets, and its policy ' +
          'must allow the role of upload',
  );
}
