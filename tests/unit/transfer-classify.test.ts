// What S3's answers mean: by code, then by status.
import { NoSuchKey, S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { classifyFault } from '../../shared/aws/classify.ts';

const service = (name: string, httpStatusCode: number, message = 'said S3') =>
  new S3ServiceException({ name, message, $fault: 'server', $metadata: { httpStatusCode } });
const system = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe('classifyFault', () => {
  it.each([
    ['SlowDown', 503, 'throttle'],
    ['ServiceUnavailable', 503, 'throttle'],
    ['RequestLimitExceeded', 503, 'throttle'],
    ['ThrottlingException', 400, 'throttle'],
    ['TooManyRequestsException', 429, 'throttle'],
    ['KMS.ThrottlingException', 400, 'throttle'],
    ['InternalError', 500, 'transient'],
    ['InternalError', 200, 'transient'],
    ['RequestTimeout', 400, 'transient'],
    ['RequestTimeTooSkewed', 403, 'transient'],
    ['ExpiredToken', 400, 'transient'],
    ['IncompleteBody', 400, 'transient'],
    ['BadDigest', 400, 'transient'],
    ['XAmzContentSHA256Mismatch', 400, 'transient'],
    ['NotImplemented', 501, 'permanent'],
    ['ConditionalRequestConflict', 409, 'conflict'],
    ['OperationAborted', 409, 'conflict'],
    ['PreconditionFailed', 412, 'exists'],
    ['NoSuchBucket', 404, 'permanent'],
    ['AccessDenied', 403, 'permanent'],
    ['InvalidRequest', 400, 'permanent'],
    ['EntityTooLarge', 400, 'permanent'],
    ['NotFound', 404, 'permanent'],
    ['BucketAlreadyExists', 409, 'permanent'],
    // Codes that nobody listed: the status decides.
    ['SomethingNew', 503, 'throttle'],
    ['SomethingNew', 500, 'transient'],
    ['SomethingNew', 507, 'transient'],
    ['SomethingNew', 501, 'permanent'],
    ['SomethingNew', 505, 'permanent'],
    ['SomethingNew', 408, 'transient'],
    ['SomethingNew', 418, 'permanent'],
    ['SomethingNew', 200, 'permanent'],
  ])('%s with status %i is %s', (name, status, kind) => {
    expect(classifyFault(service(name, status))).toMatchObject({ kind, code: name, message: 'said S3' });
  });

  it.each([
    [503, 'throttle'],
    [429, 'throttle'],
    [500, 'transient'],
    [502, 'transient'],
    [504, 'transient'],
    [412, 'exists'],
    [404, 'permanent'],
    [403, 'permanent'],
  ])('a bodiless %i, which the SDK has no code for, is %s', (httpStatusCode, kind) => {
    // As the SDK names the answer to a HEAD: it says nothing, so the status is what a message shows.
    for (const name of ['UnknownError', 'Unknown']) {
      const bare = Object.assign(new Error(), { name, $metadata: { httpStatusCode } });
      expect(classifyFault(bare)).toMatchObject({ kind, code: `Http${httpStatusCode}` });
    }
    const unparsed = Object.assign(new Error('no XML'), { $response: { statusCode: httpStatusCode } });
    expect(classifyFault(unparsed)).toMatchObject({ kind, code: `Http${httpStatusCode}` });
  });

  it.each(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'])(
    'the system error %s is transient, under its own name',
    (code) => {
      expect(classifyFault(system(code))).toMatchObject({ kind: 'transient', code });
    },
  );

  it('takes an error without metadata, a time limit and an abort as transient: the write may have happened', () => {
    expect(classifyFault(new Error('socket hang up'))).toEqual({
      kind: 'transient',
      code: 'HttpNoAnswer',
      message: 'socket hang up',
    });
    for (const name of ['TimeoutError', 'AbortError'])
      expect(classifyFault(Object.assign(new Error('cut'), { name }))).toMatchObject({
        kind: 'transient',
        code: name,
      });
  });

  it.each([['text'], [undefined], [null], [42]])(
    'does not fall over what is no error at all: %o',
    (thrown) => {
      expect(classifyFault(thrown)).toMatchObject({ kind: 'transient', code: 'HttpNoAnswer' });
    },
  );

  it('does not take a code for a member of every object', () => {
    expect(classifyFault(service('constructor', 403))).toMatchObject({ kind: 'permanent' });
    expect(classifyFault(service('toString', 503))).toMatchObject({ kind: 'throttle' });
  });

  it("takes the SDK's own classes by their names", () => {
    const missing = new NoSuchKey({ message: 'no key', $metadata: { httpStatusCode: 404 } });
    expect(classifyFault(missing)).toMatchObject({ kind: 'permanent', code: 'NoSuchKey' });
  });

  it.each([
    { name: 'SlowDown', message: 'Please reduce your request rate.', scope: 'partition' },
    {
      name: 'SlowDown',
      message: 'Please reduce your request rate for operations involving AWS KMS.',
      scope: 'kms',
    },
    { name: 'KMS.ThrottlingException', message: 'You have exceeded the rate', scope: 'kms' },
    { name: 'ServiceUnavailable', message: '', scope: 'partition' },
    {
      name: 'ServiceUnavailable',
      message: 'Reduce your concurrent request rate for the same object.',
      scope: 'object',
    },
    { name: 'RequestLimitExceeded', message: 'Request limit exceeded.', scope: 'account' },
    { name: 'ThrottlingException', message: 'Rate exceeded', scope: 'account' },
    { name: 'ThrottlingException', message: 'KMS: Rate exceeded', scope: 'kms' },
  ])('$name, "$message", throttles the $scope', ({ name, message, scope }) => {
    expect(classifyFault(service(name, 503, message))).toMatchObject({ kind: 'throttle', scope });
  });

  it('takes a 429 for the limit of the account, unless its code says otherwise', () => {
    expect(classifyFault(service('Whatever', 429))).toMatchObject({ kind: 'throttle', scope: 'account' });
    expect(classifyFault(service('SlowDown', 429))).toMatchObject({ kind: 'throttle', scope: 'partition' });
  });
});
