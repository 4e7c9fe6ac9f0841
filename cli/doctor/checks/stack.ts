// The state of the stack itself.
import { type Check, type Problem, problem } from '../finding.ts';
import type { Stack } from '../stack.ts';

const GOOD = new Set(['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'IMPORT_COMPLETE']);

export function judgeStack({ status, reason }: Pick<Stack, 'status' | 'reason'>, name: string): Problem[] {
  if (GOOD.has(status)) return [];
  const because = reason === undefined || reason === '' ? '' : ` (${reason})`;
  if (/_IN_PROGRESS$/.test(status)) {
    return problem(
      'warn',
      name,
      `a deployment is under way: ${status}`,
      'wait until it has ended, and run the doctor again',
    );
  }
  if (status === 'UPDATE_ROLLBACK_COMPLETE') {
    return problem(
      'warn',
      name,
      `the last deployment failed, and the stack is as it was before${because}`,
      `\`aws cloudformation describe-stack-events --stack-name ${name}\` shows why; then deploy again`,
    );
  }
  const remedy =
    status === 'UPDATE_ROLLBACK_FAILED'
      ? `remove what blocks it, then \`aws cloudformation continue-update-rollback --stack-name ${name}\``
      : `\`aws cloudformation describe-stack-events --stack-name ${name}\` shows why; ` +
        `then \`aws cloudformation delete-stack --stack-name ${name}\`, and deploy again`;
  return problem('fail', name, `the stack is in ${status}${because}`, remedy);
}

export const stackCheck: Check = {
  id: 'stack',
  good: 'The stack is complete.',
  needs: ['cloudformation:DescribeStacks', 'cloudformation:GetTemplate', 'cloudformation:ListStackResources'],
  run: async ({ stack, prefix }) => judgeStack(stack, prefix),
};
