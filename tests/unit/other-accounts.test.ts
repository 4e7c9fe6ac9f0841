// The bucket policies in docs/operations.md: what the roles of the stack do with buckets of other accounts, and no more.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { listedFileStatements, transferStatements } from '../../infrastructure/upload-permissions.js';
import { type AccessRequest, type Caller, contextOf, judge } from '../../local/iam/policy.ts';
import { readResourceStatements } from '../../local/iam/read-policy.ts';

const OWNER = '123456789012';
const LISTS = {
  ...{ sourceBuckets: [], destinationBuckets: [], sourceHosts: [], kmsKeys: [] },
  ...{ inboxBuckets: [], manifestBuckets: [] },
};
const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const [, section = ''] = /## A bucket of another account\n(.*?)\n## /s.exec(page) ?? [];
const [destination, source] = [...section.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) =>
  readResourceStatements(JSON.parse(text)),
);

/** What the role may do with the bucket of the other account. */
function requestsOf(statements: readonly object[]): AccessRequest[] {
  return (statements as { Action: string[]; Resource: object[]; Condition?: object }[])
    .filter(({ Condition }) => JSON.stringify(Condition ?? {}).includes(OWNER))
    .flatMap(({ Action, Resource }) =>
      Action.map((action) => ({
        action,
        resource: JSON.stringify(Resource).includes('BUCKET/*')
          ? 'arn:aws:s3:::BUCKET/key'
          : 'arn:aws:s3:::BUCKET',
      })),
    );
}

const roleOf = (name: string): Caller => ({
  kind: 'principal',
  arn: `arn:aws:iam::STACK_ACCOUNT:role/spillway-STAGE-${name}-1A2B3C4D5E6F`,
});
const theirs = [`BUCKET@${OWNER}`];

it.each([
  ['a destination', 'UploadRole', transferStatements({ ...LISTS, destinationBuckets: theirs }), destination],
  ['a source', 'UploadRole', transferStatements({ ...LISTS, sourceBuckets: theirs }), source],
  ['a source', 'IngestRole', listedFileStatements({ ...LISTS, sourceBuckets: theirs }), source],
] as const)('allows %s what %s needs, and no other role', (_what, role, statements, policy = []) => {
  const says = (caller: Caller, request: AccessRequest) =>
    judge(policy, caller, { ...request, context: contextOf(caller) }).kind;
  const requests = requestsOf(statements);
  expect(requests).not.toEqual([]);
  for (const request of requests) {
    expect(`${request.action} ${says(roleOf(role), request)}`).toBe(`${request.action} allowed`);
    expect(says(roleOf('ApiRole'), request)).toBe('silent');
  }
  if (role !== 'UploadRole') return;
  // All that it allows is needed.
  const needed = requests.map(({ action }) => action);
  expect(policy.flatMap(({ actions }) => actions).toSorted()).toEqual(needed.toSorted());
});
