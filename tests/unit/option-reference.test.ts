// docs/options.md is made from the table of options. After a change: npx vitest run tests/unit/option-reference.test.ts -u
import { describe, expect, it } from 'vitest';
import { type JobOption, valuesOf } from '../../shared/job/option-kinds.ts';
import { OPTIONS } from '../../shared/job/option-table.ts';

const TABLE = Object.entries<JobOption>(OPTIONS);

const DAY_SECONDS = 24 * 3600;

function takes(option: JobOption): string {
  if (option.kind !== 'whole number') return valuesOf(option);
  const days = option.unit === 'seconds' ? ` (${option.most / DAY_SECONDS} days)` : '';
  return `${valuesOf(option)} ${option.unit}${days}`;
}

function defaultOf(option: JobOption): string {
  if (option.kind === 'destination') return "the stack's own bucket";
  if (!('default' in option)) return 'none';
  return option.default === '' ? 'nothing' : `\`${option.default}\``;
}

function row(option: JobOption): string {
  const usual = defaultOf(option);
  return `| \`${option.name}\` | ${takes(option)} | ${usual} | ${option.description} |`;
}

const REFERENCE = `# Options of a job

Each is metadata of the manifest in the inbox, \`x-amz-meta-spillway-<name>\`, or a parameter of the API's query string. What
destinations and spreads mean: [manifests.md](manifests.md#options).

| option | takes | default | |
| --- | --- | --- | --- |
${TABLE.map(([, option]) => row(option)).join('\n')}
`;

describe('the reference of the options', () => {
  it('is what the table says', async () => {
    await expect(REFERENCE).toMatchFileSnapshot('../../docs/options.md');
  });

  it.each(TABLE)('can show %s on a line of a table', (field, { name, description }) => {
    expect(description).toMatch(/^[^\n|`]{1,200}$/);
    expect(name).toBe(field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  });
});
