// The event source mappings of a stage, and the account's limit, as Lambda has them.
import {
  type EventSourceMappingConfiguration,
  GetAccountSettingsCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { UNMAPPED_CONCURRENCY } from '../../infrastructure/capacity.js';
import { type Look, look } from '../aws/look.ts';
import type { ClientSettings } from '../aws/open.ts';
import { Failure } from '../failure.ts';
import type { FleetFacts } from './plan.ts';

/** The functions that queues invoke. */
const MAPPED = ['ingest', 'upload', 'settle', 'dead-letters'] as const;
/** Lambda's own bound of pollers that a mapping without MaximumConcurrency comes to. */
const UNBOUNDED = 1_250;
/** Pages of mappings that are read of one function: it has a handful. */
const MAX_PAGES = 10;

export interface Fleet {
  /** Upload's mapping. */
  uuid: string;
  functionName: string;
  queueArn: string;
  enabled: boolean;
  facts: FleetFacts;
  /** Why the account's limit is unknown. */
  limitUnseen?: string;
}

/** @param prefix before every name of the stage, as `spillway-prod` */
export function createFleetClient(settings: ClientSettings, prefix: string) {
  const lambda = new LambdaClient(settings);

  async function mappingsOf(functionName: string): Promise<EventSourceMappingConfiguration[]> {
    const mappings: EventSourceMappingConfiguration[] = [];
    let marker: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const asked = new ListEventSourceMappingsCommand({ FunctionName: functionName, Marker: marker });
      const seen = await look('lambda:ListEventSourceMappings', () => lambda.send(asked));
      if (seen.kind === 'absent') return [];
      if (seen.kind === 'unseen') throw unseenFailure(seen);
      mappings.push(...(seen.value.EventSourceMappings ?? []));
      marker = seen.value.NextMarker;
      if (marker === undefined || marker === '') return mappings;
    }
    throw new Failure(`${functionName} has too many event source mappings to be one of Spillway`);
  }

  return {
    async read(): Promise<Fleet> {
      const names = MAPPED.map((name) => `${prefix}-${name}`);
      const [byFunction, account] = await Promise.all([
        Promise.all(names.map(mappingsOf)),
        look('lambda:GetAccountSettings', () => lambda.send(new GetAccountSettingsCommand({}))),
      ]);
      const functionName = `${prefix}-upload`;
      const mapping = byFunction[MAPPED.indexOf('upload')]?.find(({ EventSourceArn }) =>
        EventSourceArn?.endsWith(`:${functionName}`),
      );
      if (mapping?.UUID === undefined) {
        throw new Failure(
          `no queue invokes a function ${functionName} in ${settings.region}: is the stage deployed there? ` +
            '`spillway doctor` with the same options shows what there is',
        );
      }
      const others = byFunction.flat().filter(({ UUID }) => UUID !== mapping.UUID);
      return {
        uuid: mapping.UUID,
        functionName,
        queueArn: mapping.EventSourceArn ?? '',
        enabled: mapping.State !== 'Disabled' && mapping.State !== 'Disabling',
        facts: {
          current: mapping.ScalingConfig?.MaximumConcurrency,
          batchSize: mapping.BatchSize ?? 10,
          others: others.reduce((sum, each) => sum + boundOf(each), UNMAPPED_CONCURRENCY),
          available:
            account.kind === 'seen' ? account.value.AccountLimit?.UnreservedConcurrentExecutions : undefined,
        },
        ...(account.kind === 'unseen' ? { limitUnseen: unseenFailure(account).message } : {}),
      };
    },
    /** @returns the bound that Lambda has taken */
    async setBound({ uuid }: Fleet, most: number): Promise<number | undefined> {
      const change = new UpdateEventSourceMappingCommand({
        UUID: uuid,
        ScalingConfig: { MaximumConcurrency: most },
      });
      try {
        return (await lambda.send(change)).ScalingConfig?.MaximumConcurrency;
      } catch (error) {
        throw changeFailure(error);
      }
    },
    destroy: () => lambda.destroy(),
  };
}

function boundOf({ ScalingConfig }: EventSourceMappingConfiguration): number {
  return ScalingConfig?.MaximumConcurrency ?? UNBOUNDED;
}

function unseenFailure({ action, denied, reason }: Extract<Look<unknown>, { kind: 'unseen' }>): Failure {
  return new Failure(
    denied ? `your credentials need ${action}: ${reason}` : `Lambda did not answer: ${reason}`,
  );
}

function changeFailure(error: unknown): Failure {
  const { name, message } = error as Error;
  if (name === 'ResourceInUseException' || name === 'ResourceConflictException') {
    return new Failure('the event source mapping is being changed by someone else: try again in a minute', {
      cause: error,
    });
  }
  const remedy = /^AccessDenied/.test(name) ? ': your credentials need lambda:UpdateEventSourceMapping' : '';
  return new Failure(`the bound was not changed${remedy} (${name}: ${message})`, { cause: error });
}
