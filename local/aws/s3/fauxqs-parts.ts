// The parts of fauxqs that its package doesn't export, by file: its S3 store, to build on, and its S3 error.
import type { buildApp } from 'fauxqs';

export type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;
export type FauxqsS3Store = Stores['s3Store'];
export type S3Object = ReturnType<FauxqsS3Store['putObject']>;

type S3ErrorConstructor = new (code: string, message: string, statusCode: number, resource?: string) => Error;

const fauxqs = import.meta.resolve('fauxqs');

export const { S3Store } = (await import(new URL('s3/s3Store.js', fauxqs).href)) as {
  S3Store: new () => FauxqsS3Store;
};
/** fauxqs' routes answer it as S3 does: as XML with its code and status. */
export const { S3Error } = (await import(new URL('common/errors.js', fauxqs).href)) as {
  S3Error: S3ErrorConstructor;
};
