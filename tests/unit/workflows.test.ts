// The workflows of the public host: what they run exists, what they use is pinned, and a deployment follows its checks.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod/mini';

const ROOT = new URL('../../', import.meta.url);
const FOLDER = new URL('.github/workflows/', ROOT);

const STEP = z.looseObject({
  uses: z.optional(z.string()),
  run: z.optional(z.string()),
  with: z.optional(z.record(z.string(), z.unknown())),
});
const JOB = z.looseObject({
  uses: z.optional(z.string()),
  if: z.optional(z.string()),
  needs: z.optional(z.union([z.string(), z.array(z.string())])),
  environment: z.optional(z.string()),
  permissions: z.optional(z.record(z.string(), z.string())),
  'timeout-minutes': z.optional(z.number()),
  steps: z._default(z.array(STEP), []),
});
const WORKFLOW = z.looseObject({
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.looseObject({ group: z.string(), 'cancel-in-progress': z.union([z.boolean(), z.string()]) }),
  jobs: z.record(z.string(), JOB),
});

const files = readdirSync(FOLDER);
const textOf = (file: string) => readFileSync(new URL(file, FOLDER), 'utf8');
const workflowOf = (file: string) => WORKFLOW.parse(parse(textOf(file)));
const { scripts } = z
  .looseObject({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')));
/** What npm itself runs without a script of this name. */
const NPM_SCRIPTS = ['ci', 'test'];

describe.each(files)('%s', (file) => {
  const workflow = workflowOf(file);
  const jobs = Object.entries(workflow.jobs);

  it('pins each action by its commit, and says which version that is', () => {
    const uses = textOf(file)
      .split('\n')
      .filter((line) => /^\s*(- )?uses:/.test(line) && !/uses: \.\//.test(line));
    for (const line of uses) expect(line).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('runs only scripts that are there', () => {
    const runs = jobs.flatMap(([, { steps }]) => steps.flatMap(({ run = '' }) => run));
    const named = runs.flatMap((run) =>
      [...run.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(([, name]) => name),
    );
    expect(named).not.toEqual([]);
    for (const name of named) expect([...NPM_SCRIPTS, ...Object.keys(scripts)]).toContain(name);
  });

  it('calls only workflows that are there, and may be called', () => {
    for (const [, { uses }] of jobs) {
      if (uses === undefined) continue;
      expect(existsSync(new URL(uses, ROOT))).toBe(true);
      expect(workflowOf(uses.replace(/^.*\//, '')).on).toHaveProperty('workflow_call');
    }
  });

  it('may write nothing by default, and every job of its own has a time limit', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const [, job] of jobs) if (job.uses === undefined) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  it('puts no value from outside into a script', () => {
    for (const [, { steps }] of jobs) for (const { run = '' } of steps) expect(run).not.toMatch(/\$\{\{/);
  });
});

it('the check has the history from which the upgrade tests take an earlier version', () => {
  const steps = Object.values(workflowOf('check.yml').jobs).flatMap((job) => job.steps);
  expect(steps.some(({ run }) => run === 'npm run test:long')).toBe(true);
  const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
  expect(checkouts.map((step) => step.with?.['fetch-depth'])).toEqual([0]);
});

describe('a deployment', () => {
  const { on, jobs, concurrency } = workflowOf('deploy.yml');
  const { check, deploy } = jobs;

  it('happens only from main or by hand, and only where a role is named', () => {
    expect(on).toEqual({ push: { branches: ['main'] }, workflow_dispatch: null });
    expect(check?.if).toBe("vars.AWS_ROLE_ARN != '' && github.ref == 'refs/heads/main'");
  });

  it('waits for the whole check, whose failure or absence ends it', () => {
    expect(check?.uses).toBe('./.github/workflows/check.yml');
    expect(deploy?.needs).toBe('check');
    expect(deploy?.if).toBeUndefined();
  });

  it('is never interrupted by the next one', () => {
    expect(concurrency['cancel-in-progress']).toBe(false);
  });

  it('takes its role by OpenID Connect, in an environment of the repository', () => {
    expect(deploy?.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(deploy?.environment).toBe("${{ vars.STAGE || 'prod' }}");
    expect(textOf('deploy.yml')).not.toMatch(/secrets\.|aws-secret-access-key/);
  });
});
