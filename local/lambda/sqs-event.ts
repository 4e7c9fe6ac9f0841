// The event that Lambda makes of a batch of SQS messages.
import type { SQSEvent, SQSMessageAttributes, SQSRecord } from 'aws-lambda';
import type { ReceivedMessage } from './sqs-client.ts';

export function toSqsEvent(messages: ReceivedMessage[], queueArn: string, region: string): SQSEvent {
  return { Records: messages.map((message) => toRecord(message, queueArn, region)) };
}

function toRecord(message: ReceivedMessage, queueArn: string, region: string): SQSRecord {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: (message.Attributes ?? {}) as unknown as SQSRecord['attributes'],
    messageAttributes: attributes(message),
    ...(message.MD5OfMessageAttributes === undefined
      ? {}
      : { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

/** The same as SQS gives, with names in lower camel case and two lists that are always empty. */
function attributes({ MessageAttributes = {} }: ReceivedMessage): SQSMessageAttributes {
  return Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        ...(StringValue === undefined ? {} : { stringValue: StringValue }),
        ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
        stringListValues: [],
        binaryListValues: [],
        dataType: DataType as 'String' | 'Number' | 'Binary',
      },
    ]),
  );
}

/** Roughly what a message adds to the event, in bytes: the body is escaped once more, the rest is names and ids. */
export function recordSizeBytes(message: ReceivedMessage): number {
  return Buffer.byteLength(JSON.stringify(message)) + 300;
}
