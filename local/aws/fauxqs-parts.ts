// The parts of fauxqs that its package doesn't export, by file: its S3 store, its SQS actions, and their errors.
import type { buildApp } from 'fauxqs';

export type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;
export type FauxqsS3Store = Stores['s3Store'];
export type S3Object = ReturnType<FauxqsS3Store['putObject']>;

type ServiceError = Error & { code: string; statusCode: number };
/** Answers the JSON body of a request. @throws SqsError */
export type SqsAction = (body: object, queues: object) => object | Promise<object>;

const fauxqs = import.meta.resolve('fauxqs');
const part = async (file: string): Promise<unknown> => await import(new URL(file, fauxqs).href);

export const { S3Store } = (await part('s3/s3Store.js')) as { S3Store: new () => FauxqsS3Store };
/** fauxqs' routes answer it as S3 does: as XML with its code and status. */
export const { S3Error, SqsError } = (await part('common/errors.js')) as {
  S3Error: new (code: string, message: string, statusCode: number, resource?: string) => ServiceError;
  SqsError: new (code: string, message: string) => ServiceError;
};

/** @param name of a file of fauxqs, and of the function in it */
export async function sqsAction(name: string): Promise<SqsAction> {
  return ((await part(`sqs/actions/${name}.js`)) as Record<string, SqsAction>)[name] as SqsAction;
}
