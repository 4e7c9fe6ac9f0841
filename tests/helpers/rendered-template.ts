// The packaged template as it stands in an account: names, ARNs and addresses in place of CloudFormation's functions. What AWS
// counts in characters can be counted in it.
import { partitionOf } from '../../infrastructure/partitions.js';
import type { Resource, Template } from './package-service.ts';

interface Place {
  stage: string;
  region: string;
  accountId: string;
}

/** The longest names that a stack can have: the stage fills a bucket's name of 63 characters in a region of 14. */
const LONGEST: Place = { stage: 's'.repeat(14), region: 'ap-southeast-1', accountId: '123456789012' };

/** Resources that this template names itself, by type. */
const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'BucketName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::Logs::LogGroup': 'LogGroupName',
};
/** CloudFormation makes names of the stack, the logical id and a suffix of 13 characters; IAM takes 64. */
const GENERATED_SUFFIX = `-${'X'.repeat(13)}`;

const NO_VALUE = Symbol('AWS::NoValue');

export function renderTemplate(template: Template, place: Place = LONGEST): Template {
  const { stage, region, accountId } = place;
  const partition = partitionOf(region);
  const pseudo: Record<string, unknown> = {
    'AWS::Partition': partition,
    'AWS::Region': region,
    'AWS::AccountId': accountId,
    'AWS::StackName': `spillway-${stage}`,
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::NoValue': NO_VALUE,
  };
  const at = `${region}:${accountId}`;

  function nameOf(id: string): string {
    const { Type, Properties } = known(id);
    const given = Properties[NAME_PROPERTIES[Type] ?? ''];
    return given === undefined
      ? `spillway-${stage}-${id}${GENERATED_SUFFIX}`.slice(0, 64)
      : String(render(given));
  }

  function known(id: string): Resource {
    const found = template.Resources[id];
    if (found === undefined) throw new Error(`the template has no resource ${id}`);
    return found;
  }

  function reference(id: string): unknown {
    if (id in pseudo) return pseudo[id];
    if (known(id).Type === 'AWS::SQS::Queue')
      return `https://sqs.${region}.amazonaws.com/${accountId}/${nameOf(id)}`;
    return known(id).Type === 'AWS::SNS::Topic' ? attribute(id, 'TopicArn') : nameOf(id);
  }

  function attribute(id: string, name: string): string {
    if (!['Arn', 'TopicArn'].includes(name)) return nameOf(id);
    switch (known(id).Type) {
      case 'AWS::S3::Bucket':
        return `arn:${partition}:s3:::${nameOf(id)}`;
      case 'AWS::SQS::Queue':
        return `arn:${partition}:sqs:${at}:${nameOf(id)}`;
      case 'AWS::DynamoDB::Table':
        return `arn:${partition}:dynamodb:${at}:table/${nameOf(id)}`;
      case 'AWS::Lambda::Function':
        return `arn:${partition}:lambda:${at}:function:${nameOf(id)}`;
      case 'AWS::SNS::Topic':
        return `arn:${partition}:sns:${at}:${nameOf(id)}`;
      case 'AWS::IAM::Role':
        return `arn:${partition}:iam::${accountId}:role/${nameOf(id)}`;
      default:
        return `arn:${partition}:logs:${at}:log-group:${nameOf(id)}:*`;
    }
  }

  function substitute(text: string): string {
    return text.replace(/\$\{([^!}]+)\}/g, (_, name: string) => {
      const dot = name.indexOf('.');
      return String(dot < 0 ? reference(name) : attribute(name.slice(0, dot), name.slice(dot + 1)));
    });
  }

  function render(value: unknown): unknown {
    if (typeof value === 'string') return value.replaceAll('spillway-dev', `spillway-${stage}`);
    if (Array.isArray(value)) return value.map(render).filter((each) => each !== NO_VALUE);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref, 'Fn::GetAtt': att, 'Fn::Sub': sub, 'Fn::Join': join } = value as Record<string, unknown>;
    if (typeof Ref === 'string') return reference(Ref);
    if (Array.isArray(att)) return attribute(String(att[0]), String(att[1]));
    if (typeof sub === 'string') return substitute(String(render(sub)));
    if (Array.isArray(join)) return (render(join[1]) as unknown[]).join(String(join[0]));
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, inner]) => [name, render(inner)] as const)
        .filter(([, inner]) => inner !== NO_VALUE),
    );
  }

  const Resources = Object.fromEntries(
    Object.entries(template.Resources).map(([id, resource]) => [
      id,
      { ...resource, Properties: render(resource.Properties ?? {}) as Record<string, unknown> },
    ]),
  );
  return { ...template, Resources };
}
