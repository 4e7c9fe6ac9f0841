// What a removed stack leaves behind, and how its names are freed.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inRegion } from '../../cli/doctor/finding.ts';
import { retainedResources } from '../../local/service/leftovers.ts';
import { SERVICE_FILE } from '../../local/service/read-service.ts';

const PLACE = { stage: 'prod', region: 'eu-west-1', accountId: '123456789012' };

describe('the resources that stay when a stack is removed', () => {
  it('are those that hold data, by the names that the next deployment wants', async () => {
    const found = await retainedResources(SERVICE_FILE, PLACE);
    expect(found.map(({ logicalId, type, name }) => [logicalId, type, name])).toEqual([
      ['InboxBucket', 'AWS::S3::Bucket', 'spillway-prod-inbox-123456789012-eu-west-1'],
      ['DestinationBucket', 'AWS::S3::Bucket', 'spillway-prod-destination-123456789012-eu-west-1'],
      ['ReportBucket', 'AWS::S3::Bucket', 'spillway-prod-reports-123456789012-eu-west-1'],
      ['LedgerTable', 'AWS::DynamoDB::Table', 'spillway-prod-ledger'],
      ['OutcomesTable', 'AWS::DynamoDB::Table', 'spillway-prod-outcomes'],
    ]);
  });

  it('are freed by commands that name each of them and its region', async () => {
    for (const { name, free } of await retainedResources(SERVICE_FILE, PLACE)) {
      expect(free.length).toBeGreaterThan(0);
      for (const command of free) {
        expect(command).toContain(name);
        expect(command).toContain('--region eu-west-1');
        expect(inRegion(command, PLACE.region)).toBe(command);
      }
    }
  });

  it('are all in the documents', async () => {
    const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const generic = { stage: 'STAGE', region: 'REGION', accountId: 'ACCOUNT' };
    for (const { name } of await retainedResources(SERVICE_FILE, PLACE)) {
      const written = Object.entries(PLACE).reduce(
        (all, [part, value]) => all.replace(value, generic[part as keyof typeof generic]),
        name,
      );
      expect(text).toContain(`\`${written}\``);
    }
  });

  it('are freed in the documents as the doctor says', async () => {
    const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const [, written = ''] = /```sh\n(page=[^`]*`true`[^`]*)```/.exec(text) ?? [];
    const words = (commands: string) =>
      commands
        .replace(/\\\n|;/g, ' ')
        .trim()
        .split(/\s+/);
    const found = await retainedResources(SERVICE_FILE, { ...PLACE, region: 'REGION' });
    const commands = found
      .filter(({ logicalId }) => logicalId !== 'DestinationBucket' && logicalId !== 'ReportBucket')
      .flatMap(({ name, free }) => free.map((each) => each.replaceAll(name, named(name))));
    expect(words(written)).toEqual(commands.flatMap(words));
  });
});

/** As the documents name it: one bucket stands for all three. */
function named(name: string): string {
  return name.startsWith('spillway-prod-inbox') ? 'NAME' : name.replace(PLACE.stage, 'STAGE');
}
