// The packaged template keeps every rule of rules/. Each rule is also seen to find a planted fault, or it would prove nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageTemplate, type Template } from '../helpers/package-service.ts';
import { ACCESS_FAULTS } from './planted/access.ts';
import { BOUND_FAULTS } from './planted/bounds.ts';
import { type PlantedFault, type Properties, set } from './planted/fault.ts';
import { KEEPING_FAULTS } from './planted/keeping.ts';
import { SIZE_FAULTS } from './planted/sizes.ts';
import { SPECIFICATION_FAULTS } from './planted/specification.ts';
import { ACCESS_RULES } from './rules/access.ts';
import { BOUND_RULES } from './rules/bounds.ts';
import { KEEPING_RULES } from './rules/keeping.ts';
import type { Rule } from './rules/rule.ts';
import { SIZE_RULES } from './rules/sizes.ts';
import { SPECIFICATION_RULES } from './rules/specification.ts';

const RULES: Rule[] = [
  ...SPECIFICATION_RULES,
  ...BOUND_RULES,
  ...SIZE_RULES,
  ...ACCESS_RULES,
  ...KEEPING_RULES,
];

let service: Awaited<ReturnType<typeof packageTemplate>>;
beforeAll(async () => {
  service = await packageTemplate({
    sourceBuckets: 'legacy-images',
    destinationBuckets: 'second-home',
    sourceHosts: 'files.example.com',
    inboxBuckets: 'company-exports',
    inboxTopics: 'arn:aws:sns:us-east-1:123456789012:arrivals',
    alarmEmail: 'ops@example.com',
    ledgerWarmReads: '20000',
    ledgerWarmWrites: '10000',
  });
});
afterAll(() => service?.remove());

describe.each(RULES)('$name', (rule) => {
  it('holds in the packaged template', () => {
    const { checked, faults } = rule.check(service.template);
    expect(faults, rule.reason).toEqual([]);
    expect(checked, 'a rule that looks at nothing').toBeGreaterThan(0);
  });
});

const FAULTS: PlantedFault[] = [
  ...SPECIFICATION_FAULTS,
  ...BOUND_FAULTS,
  ...SIZE_FAULTS,
  ...ACCESS_FAULTS,
  ...KEEPING_FAULTS,
];

describe('a planted fault', () => {
  it.each(FAULTS)('is found where $rule: $fault', ({ rule, fault, plant }) => {
    const template = structuredClone(service.template);
    plant((id) => {
      const found = template.Resources[id];
      if (found === undefined) throw new Error(`the template has no ${id} to plant a fault in`);
      return found.Properties as Properties;
    }, template);
    const found = RULES.find(({ name }) => name === rule)?.check(template).faults ?? [];
    expect(found.join('\n')).toContain(fault);
  });

  it('exists for every rule', () => {
    const seen = new Set(FAULTS.map(({ rule }) => rule));
    expect(RULES.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
  });
});

describe('cfn-lint', () => {
  const installed = spawnSync('cfn-lint', ['--version'], { encoding: 'utf8' }).status === 0;
  const title = installed ? '' : ' (skipped: cfn-lint is not installed; `pip install cfn-lint` runs it)';

  /** What it finds. W3005 is left out: osls writes a DependsOn beside each reference. */
  function lint(template: Template): string[] {
    const folder = mkdtempSync(path.join(tmpdir(), 'spillway-lint-'));
    try {
      const file = path.join(folder, 'template.json');
      writeFileSync(file, JSON.stringify(template));
      const given = [
        '--format',
        'parseable',
        '--non-zero-exit-code',
        'none',
        '--ignore-checks',
        'W3005',
        '--',
        file,
      ];
      return execFileSync('cfn-lint', given, { encoding: 'utf8' }).split('\n').filter(Boolean);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  it.skipIf(!installed)(`finds nothing in the packaged template${title}`, () => {
    expect(lint(service.template)).toEqual([]);
  });

  it.skipIf(!installed)(`is seen to find a fault${title}`, () => {
    const template = structuredClone(service.template);
    set(template.Resources.UploadLambdaFunction?.Properties, { Timeout: 901 });
    expect(lint(template).join('\n')).toContain('E3034');
  });
});
