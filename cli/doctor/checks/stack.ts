// The state of the stack itself.
import { type Check, fail, type Problem, warn } from '../finding.ts';
import type { Stack } from '../stack.ts';

/** The failed change is undone, and the stack runs on. */
const AS_BEFORE = new Set(['UPDATE_ROLLBACK_COMPLETE', 'IMPORT_ROLLBACK_COMPLETE']);
const GOOD = new Set(['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'IMPORT_COMPLETE']);

export function judgeStack({ status, reason }: Pick<Stack, 'status' | 'reason'>, name: string): Problem[] {
  if (GOOD.has(status)) return [];
  const because = reason === undefined || reason === '' ? '' : ` (${reason})`;
  if (/_IN_PROGRESS$/.test(status)) {
    return warn(
      name,
      `a deployment is under way: ${status}`,
      'wait until it has ended, and run the doctor again',
    );
  }
  const why = `\`aws cloudformation describe-stack-events --stack-name ${name}\` shows why`;
  if (AS_BEFORE.has(status)) {
    return warn(
      name,
      `the last deployment failed, and the stack is as it was before${because}`,
      `${why}; then deploy again`,
    );
  }
  return fail(name, `the stack is in ${status}${because}`, `${why}; then ${remedyOf(status, name)}`);
}

/** Only a stack that never ran is deleted: the names of what a deleted stack keeps block its next deployment. */
function remedyOf(status: string, name: string): string {
  switch (status) {
    case 'UPDATE_ROLLBACK_FAILED':
      return `remove what blocks it, and \`aws cloudformation continue-update-rollback --stack-name ${name}\``;
    // A deployment that does not roll back leaves it so.
    case 'UPDATE_FAILED':
      return `go back with \`aws cloudformation rollback-stack --stack-name ${name}\`, and deploy again`;
    case 'IMPORT_ROLLBACK_FAILED':
      return 'remove what blocks it; do not delete the stack, which runs on';
    case 'DELETE_FAILED':
      return `remove what blocks it, and \`aws cloudformation delete-stack --stack-name ${name}\` again`;
    default:
      return `\`aws cloudformation delete-stack --stack-name ${name}\`, and deploy again`;
  }
}

export const stackCheck: Check = {
  id: 'stack',
  good: 'The stack is complete.',
  needs: ['cloudformation:DescribeStacks', 'cloudformation:GetTemplate', 'cloudformation:ListStackResources'],
  run: async ({ stack, prefix }) => judgeStack(stack, prefix),
};
