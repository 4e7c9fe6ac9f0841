// The packaged service that the tests of the template share, and how they read it.
import { readdirSync, readFileSync } from 'node:fs';
import { duringTests } from '../helpers/during-tests.ts';
import { packageService, type Resource } from '../helpers/package-service.ts';

export const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'deadLetters', 'api'] as const;
export const KMS_KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
export const INBOX_BUCKETS = ['company-exports', 'partner.lists'];
export const INBOX_TOPIC = 'arn:aws:sns:us-east-1:123456789012:new-exports';

/** All files of a folder of functions/, one behind the other. */
export const readFolder = (name: string): string => {
  const folder = new URL(`../../functions/${name}/`, import.meta.url);
  return readdirSync(folder)
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n');
};

/** The folder of a function. */
export const stageOf = (name: string): string => (name === 'deadLetters' ? 'dead-letters' : name);

/** A function's own files, with the record loop where it uses that. */
export const sourceOf = (name: string): string => {
  const source = readFolder(stageOf(name));
  const usesRecords = /import \{[^}]*(eachRecord|hideFailed)[^}]*\} from '\.\.\/runtime\/records\.ts'/.test(
    source,
  );
  return usesRecords
    ? source + readFileSync(new URL('../../functions/runtime/records.ts', import.meta.url), 'utf8')
    : source;
};

export const service = duringTests(async () => {
  const packaged = await packageService({
    sourceBuckets: 'legacy-images,archive.2019@210987654321,open-data@any',
    kmsKeys: KMS_KEY,
    destinationBuckets: 'second-home',
    sourceHosts: 'files.example.com,*.example.org',
    inboxBuckets: INBOX_BUCKETS.join(','),
    inboxTopics: INBOX_TOPIC,
  });
  return { ...packaged, stop: packaged.remove };
});

export function resource(id: string): Resource {
  const found = service.template.Resources[id];
  if (found === undefined) throw new Error(`the template has no ${id}`);
  return found;
}

export const ofType = (type: string): [string, Resource][] =>
  Object.entries(service.template.Resources).filter(([, { Type }]) => Type === type);

/** The resource's properties with intrinsic functions as plain text: Ref X -> <X>, GetAtt X.Arn -> <X.Arn>. */
export const properties = (id: string): Record<string, unknown> =>
  plain(resource(id).Properties) as Record<string, unknown>;

export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const { Ref, 'Fn::GetAtt': att, 'Fn::Sub': sub, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${Ref}>`;
  if (Array.isArray(att)) return `<${att.join('.')}>`;
  if (typeof sub === 'string') return sub.replace(/\$\{([^}]+)\}/g, '<$1>');
  if (Array.isArray(join)) return (plain(join[1]) as string[]).join(String(join[0]));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

export interface Statement {
  Sid?: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Principal?: unknown;
  Condition?: unknown;
}

export const listed = (value: string | string[]): string[] => (Array.isArray(value) ? value : [value]);

export function roleStatements(functionName: string): Statement[] {
  const policies = properties(`${capital(functionName)}Role`)['Policies'] as {
    PolicyDocument: { Statement: Statement[] };
  }[];
  return policies.flatMap((policy) => policy.PolicyDocument.Statement);
}

/** `action resource` pairs that a function's role allows. */
export const grants = (functionName: string): string[] =>
  roleStatements(functionName).flatMap(({ Action, Resource: on }) =>
    listed(Action).flatMap((action) => listed(on).map((where) => `${action} ${where}`)),
  );

export const capital = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

export const lambda = (name: string): Record<string, unknown> => properties(`${capital(name)}LambdaFunction`);

export const environment = (name: string): Record<string, string> =>
  (lambda(name)['Environment'] as { Variables: Record<string, string> }).Variables;

export function mappings(functionName: string): Record<string, unknown>[] {
  return ofType('AWS::Lambda::EventSourceMapping')
    .map(([id]) => properties(id))
    .filter(({ FunctionName }) => FunctionName === `<${capital(functionName)}LambdaFunction.Arn>`);
}
