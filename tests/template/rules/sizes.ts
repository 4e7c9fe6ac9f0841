// Sizes that AWS counts in characters and does not raise: policies, environments and the template. All at the longest stage.
import type { Template } from '../../helpers/package-service.ts';
import { renderTemplate } from '../../helpers/rendered-template.ts';
import { type Rule, resourcesOf, type Typed, type Verdict } from './rule.ts';

/** All inline policies of a role together, without white space; and its trust policy (IAM and STS quotas). */
const ROLE_POLICY_CHARACTERS = 10_240;
const TRUST_POLICY_CHARACTERS = 2048;
/** S3 user guide, "Policies and permissions"; SQS, "Policy quotas". */
const BUCKET_POLICY_BYTES = 20_480;
const QUEUE_POLICY_BYTES = 8192;
/** Lambda quotas. */
const ENVIRONMENT_BYTES = 4096;
/** CloudFormation quotas: a template in S3, its resources and its outputs. */
const TEMPLATE_BYTES = 1_048_576;
const MOST_RESOURCES = 500;
const MOST_OUTPUTS = 200;

export const SIZE_RULES: Rule[] = [
  sizeRule('roles hold their policies', 'IAM', 'AWS::IAM::Role', ROLE_POLICY_CHARACTERS, (properties) =>
    (properties.Policies as { PolicyDocument: unknown }[]).map(({ PolicyDocument }) => PolicyDocument),
  ),
  sizeRule(
    'roles hold their trust policies',
    'IAM',
    'AWS::IAM::Role',
    TRUST_POLICY_CHARACTERS,
    (properties) => [properties.AssumeRolePolicyDocument],
  ),
  sizeRule(
    'buckets hold their policies',
    'S3',
    'AWS::S3::BucketPolicy',
    BUCKET_POLICY_BYTES,
    (properties) => [properties.PolicyDocument],
  ),
  sizeRule('queues hold their policies', 'SQS', 'AWS::SQS::QueuePolicy', QUEUE_POLICY_BYTES, (properties) => [
    properties.PolicyDocument,
  ]),
  sizeRule(
    'functions hold their environments',
    'Lambda',
    'AWS::Lambda::Function',
    ENVIRONMENT_BYTES,
    ({ Environment }) => [(Environment as { Variables: unknown } | undefined)?.Variables ?? {}],
  ),
  {
    name: 'CloudFormation holds the template',
    reason: 'CloudFormation refuses a template above its quotas.',
    check(template) {
      const counts: [string, number, number][] = [
        ['bytes', Buffer.byteLength(JSON.stringify(template)), TEMPLATE_BYTES],
        ['resources', Object.keys(template.Resources).length, MOST_RESOURCES],
        ['outputs', Object.keys(template.Outputs).length, MOST_OUTPUTS],
      ];
      const over = counts.filter(([, size, most]) => size > most);
      return {
        checked: counts.length,
        faults: over.map(([what, size, most]) => `the template has ${size} ${what}, above ${most}`),
      };
    },
  },
];

function sizeRule(
  name: string,
  service: string,
  type: string,
  most: number,
  parts: (properties: Record<string, unknown>) => unknown[],
): Rule {
  const sizeOf = ([, { Properties }]: Typed) =>
    parts(Properties).reduce((sum: number, part) => sum + Buffer.byteLength(JSON.stringify(part)), 0);
  return {
    name,
    reason: `${service} refuses more than ${most} characters, and does not raise that.`,
    check(template: Template): Verdict {
      const resources = resourcesOf(renderTemplate(template), type);
      const over = resources.filter((each) => sizeOf(each) > most);
      return {
        checked: resources.length,
        faults: over.map((each) => `${each[0]} has ${sizeOf(each)} characters, above ${most}`),
      };
    },
  };
}
