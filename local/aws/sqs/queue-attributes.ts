// The attributes of a queue: SQS's defaults, and the redrive policy among them.

export const DEFAULT_ATTRIBUTES: Record<string, string> = {
  VisibilityTimeout: '30',
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
};

export interface RedrivePolicy {
  deadLetterTargetArn: string;
  maxReceiveCount: number;
}

export function redrivePolicyOf({ RedrivePolicy }: Record<string, string>): RedrivePolicy | undefined {
  if (RedrivePolicy === undefined) return undefined;
  const policy = JSON.parse(RedrivePolicy) as Record<string, unknown>;
  return {
    deadLetterTargetArn: String(policy['deadLetterTargetArn']),
    maxReceiveCount: Number(policy['maxReceiveCount']),
  };
}
