// S3 event notifications to SQS: the true record, sent at least once.
//
// Facts (facts.md, S3 user guide "Event message structure"): `eventName` has no `s3:`, the key is form-encoded (a space is
// `+`), the ETag has no quotes, `sequencer` orders the events of one key, and each new target gets an s3:TestEvent.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../shared/time/clock.ts';
import type { Random } from '../../../shared/time/random.ts';
import type { BucketOptions, Delivery } from '../emulators.ts';
import type { Touched } from './object-store.ts';
import { formEncoded } from './s3-answers.ts';

const EVENT_NAMES: Record<string, string> = {
  PutObject: 'ObjectCreated:Put',
  CopyObject: 'ObjectCreated:Copy',
  CompleteMultipartUpload: 'ObjectCreated:CompleteMultipartUpload',
  PostObject: 'ObjectCreated:Post',
};

export interface Notifications {
  /**
   * Sends the targets the test event that S3 sends when a notification is configured.
   *
   * @returns why a queue refuses it; S3 refuses the configuration then, so that a deployment fails
   */
  sendTestEvents(): string | undefined;
  objectCreated(operation: string, touched: Touched, sender: { address: string; requestId: string }): void;
}

interface Dependencies {
  clock: Clock;
  random: Random;
  deliver: (delivery: Delivery) => string | undefined;
  /** The account of a bucket. */
  ownerOf: (bucket: string) => string;
}

export function createNotifications(
  { clock, random, deliver, ownerOf }: Dependencies,
  { buckets, region, duplicateShare }: { buckets: BucketOptions[]; region: string; duplicateShare: number },
): Notifications {
  const targets = new Map(
    buckets.map(({ name, notifications = [] }) => [name, notifications.map(({ queueArn }) => queueArn)]),
  );
  let sequence = 0;
  const send = (bucket: string, queueArn: string, body: string): string | undefined =>
    deliver({
      service: 's3.amazonaws.com',
      sourceArn: `arn:aws:s3:::${bucket}`,
      sourceAccount: ownerOf(bucket),
      queueArn,
      body,
    });

  return {
    sendTestEvents() {
      for (const [bucket, queueArns] of targets) {
        for (const queueArn of queueArns) {
          const body = {
            Service: 'Amazon S3',
            Event: 's3:TestEvent',
            Time: new Date(clock.now()).toISOString(),
            Bucket: bucket,
            RequestId: randomBytes(8).toString('hex').toUpperCase(),
            HostId: randomBytes(48).toString('base64'),
          };
          const refusal = send(bucket, queueArn, JSON.stringify(body));
          if (refusal !== undefined)
            return `Unable to validate the following destination configurations: ${refusal}`;
        }
      }
      return undefined;
    },

    objectCreated(operation, { bucket, key, object, versionId }, { address, requestId }) {
      const eventName = EVENT_NAMES[operation];
      const queueArns = targets.get(bucket) ?? [];
      if (eventName === undefined || queueArns.length === 0) return;
      sequence += 1;
      const record = {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: region,
        eventTime: new Date(clock.now()).toISOString(),
        eventName,
        userIdentity: { principalId: 'AWS:LOCAL' },
        requestParameters: { sourceIPAddress: address },
        responseElements: { 'x-amz-request-id': requestId, 'x-amz-id-2': randomBytes(48).toString('base64') },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: `${bucket}-created`,
          bucket: { name: bucket, ownerIdentity: { principalId: 'LOCAL' }, arn: `arn:aws:s3:::${bucket}` },
          object: {
            key: formEncoded(key),
            size: object.contentLength,
            eTag: object.etag.replaceAll('"', ''),
            ...(versionId === undefined ? {} : { versionId }),
            sequencer: (clock.now() * 4096 + (sequence % 4096)).toString(16).toUpperCase().padStart(18, '0'),
          },
        },
      };
      const body = JSON.stringify({ Records: [record] });
      for (const queueArn of queueArns) {
        send(bucket, queueArn, body);
        if (duplicateShare > 0 && random() < duplicateShare) send(bucket, queueArn, body);
      }
    },
  };
}
