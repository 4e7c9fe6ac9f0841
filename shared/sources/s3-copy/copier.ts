// The requests of a server-side copy: the HEAD of its source, the copy itself, and the look at an object that may be our copy.
import { CopyObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { given, replacesMetadata } from '../../attributes/object-attributes.ts';
import { copyTimeoutMs } from '../../aws/budgets.ts';
import { classifyFault, SOURCE_CONDITION } from '../../aws/classify.ts';
import { createDirectWrites } from '../../aws/direct-writes.ts';
import { sendProven } from '../../aws/proof.ts';
import { createSourceHeads, type ObjectPlace } from '../../aws/source-heads.ts';
import { elementText } from '../../aws/xml-element.ts';
import { checksumField, DEFAULT_CHECKSUM } from '../../transfer/checksum.ts';
import {
  endedBy,
  type ObjectWrite,
  objectIn,
  type WrittenObject,
  writtenObject,
} from '../../transfer/object-writer.ts';
import type { SourceDependencies } from '../source.ts';
import { withHeaders } from './command-headers.ts';
import { assertAllShown, copyHeaders, type SourceHead, sourceHeadOf } from './headers.ts';
import { findOwnCopy } from './own-copy.ts';
import { assertFit, unquoted } from './source-check.ts';

export interface Copy extends ObjectWrite {
  source: ObjectPlace;
  /** What the row says of the source. The size is compared where the source is read anyway: CopyObject does not say it. */
  expected?: { etag?: string; sizeBytes?: number };
}

interface ReadOptions {
  withChecksum?: boolean;
  /** Whether the copy sends all metadata, as a copy in parts does. Then the HEAD has to show all of it. */
  isWhole?: boolean;
}

export type Copier = ReturnType<typeof createCopier>;

/** Each request throws what the S3 client throws, which classifyFault reads. */
export function createCopier({ s3, clock, copies = {} }: SourceDependencies) {
  const { requesterPays } = copies;
  const direct = createDirectWrites(s3, clock);
  const heads = createSourceHeads(s3, requesterPays);

  async function copyOnce(
    copy: Copy,
    head: SourceHead | undefined,
    cutOff: AbortSignal | undefined,
  ): Promise<WrittenObject> {
    const { destination, attributes = {} } = copy;
    const headers = {
      ...copyHeaders(copy, head),
      ...(requesterPays === true ? { 'x-amz-request-payer': 'requester' } : {}),
    };
    const answer = await direct.send({ ...destination, headers }, cutOff);
    if (answer === undefined) return copyBySdk(s3, { destination, attributes }, headers, cutOff);
    const { 'x-amz-version-id': versionId } = answer.headers;
    const { checksumAlgorithm = DEFAULT_CHECKSUM } = attributes;
    const checksum = elementText(answer.text, checksumField(checksumAlgorithm));
    return writtenObject({ etag: answer.etag, versionId, checksum, checksumAlgorithm });
  }

  /** A 412 says that the source or the destination is not as it should be. S3 names which; other servers may not. */
  async function whichCondition(
    error: unknown,
    copy: Copy,
    { etag, versionId }: Pick<SourceHead, 'etag' | 'versionId'>,
    cutOff: AbortSignal | undefined,
  ): Promise<unknown> {
    const { Condition } = error as { Condition?: string };
    if (classifyFault(error).kind !== 'exists' || Condition !== undefined) return error;
    const isSame = async () => {
      const now = await heads.head(copy.source, endedBy(cutOff));
      const isSameVersion = versionId === undefined || now.VersionId === versionId;
      return isSameVersion && unquoted(now.ETag ?? '') === unquoted(etag);
    };
    if (copy.ifExists !== 'overwrite' && (await isSame())) return error;
    return Object.assign(error as Error, { Condition: SOURCE_CONDITION });
  }

  return {
    /** A HEAD of the source. @throws also an error named MetadataUnreadable, SourceArchived or SourceChanged */
    async readSource(copy: Copy, cutOff?: AbortSignal, options: ReadOptions = {}): Promise<SourceHead> {
      const { isWhole = false, ...asked } = options;
      const answer = await heads.head(copy.source, { ...asked, ...endedBy(cutOff) });
      assertFit(answer, copy);
      if (isWhole || replacesMetadata(copy.attributes ?? {})) assertAllShown(answer);
      return sourceHeadOf(answer, copy.destination.bucket);
    },

    /** The source's tags. @param versionId the one that the HEAD found */
    readTags: ({ source }: Copy, versionId: string | undefined, cutOff?: AbortSignal) =>
      heads.tags({ ...given('versionId', versionId), ...source }, endedBy(cutOff)),

    /** @param head of a copy that changes metadata: what it keeps, and the condition that the source has not changed */
    async copy(copy: Copy, head?: SourceHead, cutOff?: AbortSignal): Promise<WrittenObject> {
      try {
        return await copyOnce(copy, head, cutOff);
      } catch (error) {
        const etag = copy.expected?.etag;
        const condition = head ?? (etag === undefined ? undefined : { etag });
        throw condition === undefined ? error : await whichCondition(error, copy, condition, cutOff);
      }
    },

    /** As ObjectWriter's. */
    recognise: (copy: Copy, cutOff?: AbortSignal) => findOwnCopy(heads, copy, cutOff),
  };
}

async function copyBySdk(
  s3: S3Client,
  { destination: { bucket, key }, attributes = {} }: Pick<Copy, 'destination' | 'attributes'>,
  headers: Record<string, string>,
  cutOff: AbortSignal | undefined,
): Promise<WrittenObject> {
  const command = withHeaders(
    new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource: headers['x-amz-copy-source'] }),
    headers,
  );
  const { CopyObjectResult: result, VersionId } = await sendProven(s3, command, {
    ...endedBy(cutOff),
    requestTimeout: copyTimeoutMs(cutOff),
  });
  return objectIn({ ...result, VersionId }, attributes.checksumAlgorithm);
}
