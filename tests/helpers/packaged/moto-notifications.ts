// Gives moto's notifications the version id that S3 sends for a bucket with versions: moto sends neither that nor a sequencer, and
// without either a manifest has no identity.
import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { QueueClient, ReceivedMessage } from '../../../local/lambda/sqs-client.ts';

interface Notification {
  Records?: { s3: { bucket: { name: string }; object: { key: string; versionId?: string } } }[];
}

export function completeNotifications(queue: QueueClient, s3: S3Client): QueueClient {
  return {
    ...queue,
    receive: async (...given) => {
      const messages = await queue.receive(...given);
      return await Promise.all(messages.map((message) => completed(message, s3)));
    },
  };
}

async function completed(message: ReceivedMessage, s3: S3Client): Promise<ReceivedMessage> {
  // Every notification has this member, and no message of the pipeline.
  if (!message.Body.includes('"s3SchemaVersion"')) return message;
  const notification = JSON.parse(message.Body) as Notification;
  for (const record of notification.Records ?? []) {
    const { bucket, object } = record.s3;
    const Key = decodeURIComponent(object.key.replaceAll('+', ' '));
    const { VersionId } = await s3.send(new HeadObjectCommand({ Bucket: bucket.name, Key }));
    if (VersionId !== undefined) object.versionId = VersionId;
  }
  return { ...message, Body: JSON.stringify(notification) };
}
