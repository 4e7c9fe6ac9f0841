// docs/parameters.md is made from the table of parameters. After a change: npx vitest run tests/unit/parameter-reference.test.ts -u
import { describe, expect, it } from 'vitest';
import { PARAMETERS, type Parameter, type ParameterName } from '../../infrastructure/parameters.js';
import { takes } from '../../infrastructure/read-parameters.js';
import { readConfiguration } from '../../local/service/read-configuration.ts';
import { SERVICE_FILE } from '../../local/service/read-service.ts';

const TABLE = Object.entries(PARAMETERS) as [ParameterName, Parameter][];

const TOPICS = {
  arriving: 'Where manifests arrive',
  copying: 'What jobs may read and write',
  fleet: 'How many work at the same time',
  ledger: 'How manifests are cut and watched',
  keeping: 'How long things are kept',
  watching: 'Alarms',
} as const satisfies Record<Parameter['topic'], string>;

const row = ([name, parameter]: [string, Parameter]): string => {
  const usual = parameter.default === undefined ? 'none' : `\`${parameter.default}\``;
  const { about, bounds } = parameter;
  return `| \`${name}\` | ${takes(parameter)} | ${usual} | ${bounds === undefined ? about : `${about} ${bounds}`} |`;
};

const section = ([topic, title]: [string, string]): string => `## ${title}

| parameter | takes | default | |
| --- | --- | --- | --- |
${TABLE.filter(([, parameter]) => parameter.topic === topic)
  .map(row)
  .join('\n')}
`;

const REFERENCE = `# Parameters of the stack

Each is given as \`npx serverless deploy --param="name=value"\`, or under \`params.STAGE\` in serverless.yml. Deployment checks all of
them before it packages anything, and names every fault at once. A change takes effect with the next deployment.

A stage is a name of 1 to 14 lower-case letters, digits and hyphens, since the names of the buckets hold it: with the account and
the longest region they have the 63 characters that S3 takes.

${Object.entries(TOPICS).map(section).join('\n')}`;

describe('the reference of the parameters', () => {
  it('is what the table says', async () => {
    await expect(REFERENCE).toMatchFileSnapshot('../../docs/parameters.md');
  });

  it.each(TABLE)('can show %s on a line of a table', (_, parameter) => {
    for (const text of [parameter.about, parameter.bounds ?? 'None.', takes(parameter)])
      expect(text).toMatch(/^[^\n|]{1,300}$/);
    for (const text of [parameter.about, parameter.bounds ?? 'None.']) expect(text).toMatch(/\.$/);
  });
});

describe('the parameters in serverless.yml', () => {
  it('have the defaults of the table, and each is a setting', async () => {
    const { params, custom } = await readConfiguration(SERVICE_FILE);
    expect(params?.['default']).toEqual(
      Object.fromEntries(TABLE.map(([name, parameter]) => [name, parameter.default ?? ''])),
    );
    expect(Object.keys((custom as { settings: object }).settings)).toEqual(
      expect.arrayContaining(TABLE.map(([name]) => name)),
    );
  });

  it('are overridden by those that are given', async () => {
    const { custom } = await readConfiguration(SERVICE_FILE, { blockRows: '7', requesterPays: 'true' });
    expect(custom).toMatchObject({ settings: { blockRows: 7, requesterPays: 'true', batchSize: 100 } });
  });
});
