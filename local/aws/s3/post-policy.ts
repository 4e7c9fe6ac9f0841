// The policy of a form that is posted to a bucket: who signed it, and what it allows. (S3 API reference, "Browser-Based Uploads
// Using POST (AWS Signature Version 4)", "POST Policy".)
//
// Conditions are {"field": "value"}, ["eq", "$field", "value"], ["starts-with", "$field", "start"] and
// ["content-length-range", least, most]. Each field but a few has to be named by one.
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { parseJson } from '../../../shared/text/parse-json.ts';
import type { Clock } from '../../../shared/time/clock.ts';
import type { Authorizer } from '../../iam/authorizer.ts';
import { formAccess, type S3Place } from '../../iam/s3-access.ts';
import { LOCAL_CREDENTIALS } from '../../lambda/variables.ts';
import { accessDenied, faultOf, type S3Fault } from './s3-answers.ts';

interface PostedForm {
  /** By name as it was sent, without the file. */
  fields: ReadonlyMap<string, string>;
  fileBytes: number;
}

/** Fields that no condition has to name. */
const FREE_FIELDS = /^(policy|x-amz-signature|file|awsaccesskeyid|x-ignore-.*)$/;
const SIGNING_STEPS = 4;

const policyText = z.object({
  expiration: z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'is no time')),
  conditions: z.array(
    z.union([
      z.tuple([z.enum(['eq', 'starts-with']), z.string(), z.string()]),
      z.tuple([z.literal('content-length-range'), z.coerce.number(), z.coerce.number()]),
      z.record(z.string(), z.string()),
    ]),
  ),
});
type Condition = z.infer<typeof policyText>['conditions'][number];

/**
 * Why a form is refused: by its policy, or because its signer may not write the object. A form without a policy comes from the
 * user of this machine.
 */
export async function refusalOfPost(
  { authorizer, clock, place }: { authorizer: Authorizer; clock: Pick<Clock, 'now'>; place: S3Place },
  bucket: string,
  body: unknown,
  contentType: string,
): Promise<S3Fault | undefined> {
  // fauxqs refuses a body that is no form.
  const form = await parseForm(body, contentType).catch(() => undefined);
  if (form === undefined) return undefined;
  const fault = faultOfForm(form, bucket, clock.now());
  if (fault !== undefined) return fault;
  const key = fieldOf(form.fields, 'key') ?? '';
  const access = formAccess(bucket, key, place);
  const denial = authorizer.deny(`Credential=${fieldOf(form.fields, 'x-amz-credential')}`, [access]);
  return denial === undefined ? undefined : accessDenied(denial);
}

/** What is wrong with a form that has a policy. */
function faultOfForm(form: PostedForm, bucket: string, nowMs: number): S3Fault | undefined {
  const { fields, fileBytes } = form;
  const policy = fieldOf(fields, 'policy');
  if (policy === undefined) return undefined;
  if (!isSigned(fields, policy)) return faultOf(403, 'SignatureDoesNotMatch');
  const parsed = policyText.safeParse(parseJson(Buffer.from(policy, 'base64').toString()));
  if (!parsed.success) return faultOf(400, 'InvalidPolicyDocument');
  const { expiration, conditions } = parsed.data;
  if (Date.parse(expiration) <= nowMs) return accessDenied('Policy expired.');
  const named = new Set(['bucket']);
  for (const condition of conditions) {
    const fault = faultOfCondition(condition, { fields, fileBytes, bucket }, named);
    if (fault !== undefined) return fault;
  }
  const extra = [...fields.keys()].find((name) => {
    const lower = name.toLowerCase();
    return !named.has(lower) && !FREE_FIELDS.test(lower);
  });
  return extra === undefined ? undefined : accessDenied(`Extra input fields: ${extra.toLowerCase()}`);
}

function faultOfCondition(
  condition: Condition,
  { fields, fileBytes, bucket }: { fields: ReadonlyMap<string, string>; fileBytes: number; bucket: string },
  named: Set<string>,
): S3Fault | undefined {
  if (Array.isArray(condition) && condition[0] === 'content-length-range') {
    const [, least, most] = condition;
    if (fileBytes > most) return faultOf(400, 'EntityTooLarge');
    return fileBytes < least ? faultOf(400, 'EntityTooSmall') : undefined;
  }
  const rules = Array.isArray(condition)
    ? [
        {
          name: condition[1].replace(/^\$/, ''),
          value: condition[2],
          isStart: condition[0] === 'starts-with',
        },
      ]
    : Object.entries(condition).map(([name, value]) => ({ name, value, isStart: false }));
  for (const { name, value, isStart } of rules) {
    named.add(name.toLowerCase());
    const given = name.toLowerCase() === 'bucket' ? bucket : fieldOf(fields, name);
    const holds = isStart ? given?.startsWith(value) === true : given === value;
    if (!holds) {
      const shown = Array.isArray(condition) ? condition : ['eq', `$${name}`, value];
      return accessDenied(`Invalid according to Policy: Policy Condition failed: ${JSON.stringify(shown)}`);
    }
  }
  return undefined;
}

function isSigned(fields: ReadonlyMap<string, string>, policy: string): boolean {
  const [, ...scope] = (fieldOf(fields, 'x-amz-credential') ?? '').split('/');
  if (scope.length !== SIGNING_STEPS) return false;
  const key = scope.reduce<Buffer>(
    (each, step) => createHmac('sha256', each).update(step).digest(),
    Buffer.from(`AWS4${LOCAL_CREDENTIALS.secretAccessKey}`),
  );
  const own = createHmac('sha256', key).update(policy).digest('hex');
  const given = fieldOf(fields, 'x-amz-signature') ?? '';
  return given.length === own.length && timingSafeEqual(Buffer.from(given), Buffer.from(own));
}

/** Names of fields count without their case. */
function fieldOf(fields: ReadonlyMap<string, string>, name: string): string | undefined {
  const lower = name.toLowerCase();
  for (const [each, value] of fields) if (each.toLowerCase() === lower) return value;
  return undefined;
}

/** @throws where the body is no form */
async function parseForm(body: unknown, contentType: string): Promise<PostedForm> {
  const bytes = new Uint8Array(Buffer.isBuffer(body) ? body : Buffer.from(String(body)));
  const form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  const fields = new Map<string, string>();
  let fileBytes = 0;
  for (const [name, value] of form) {
    // S3 passes over all that follows the file.
    if (name === 'file' || typeof value !== 'string') {
      fileBytes = typeof value === 'string' ? Buffer.byteLength(value) : value.size;
      break;
    }
    fields.set(name, value);
  }
  return { fields, fileBytes };
}
