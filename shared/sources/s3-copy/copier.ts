// The requests of a server-side copy: the HEAD of its source, the copy itself, and the look at an object that may be our copy.
import { CopyObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { replacesMetadata } from '../../attributes/object-attributes.ts';
import { copyTimeoutMs } from '../../aws/budgets.ts';
import { classifyFault, SOURCE_CONDITION } from '../../aws/classify.ts';
import { createDirectWrites } from '../../aws/direct-writes.ts';
import { sendProven } from '../../aws/proof.ts';
import { createSourceHeads, type ObjectPlace } from '../../aws/source-heads.ts';
import { elementText } from '../../aws/xml-element.ts';
import { checksumField, DEFAULT_CHECKSUM } from '../../transfer/checksum.ts';
import {
  endedBy,
  namedAlgorithm,
  type ObjectWrite,
  type StoredObject,
  storedObject,
} from '../../transfer/object-writer.ts';
import type { SourceDependencies } from '../source.ts';
import { assertAllShown, copyHeaders, type SourceHead, sourceHeadOf } from './headers.ts';
import { findOwnCopy } from './own-copy.ts';

export interface Copy extends ObjectWrite {
  source: ObjectPlace;
}

/** Each throws what the S3 client throws, which classifyFault reads. */
export interface Copier {
  /** A HEAD of the source. @throws also an error named MetadataUnreadable */
  readSource(copy: Copy, cutOff?: AbortSignal): Promise<SourceHead>;
  /** @param head of a copy that changes metadata: what it keeps, and the condition that the source has not changed */
  copy(copy: Copy, head?: SourceHead, cutOff?: AbortSignal): Promise<StoredObject>;
  /** As ObjectWriter's. */
  recognise(copy: Copy, cutOff?: AbortSignal): Promise<StoredObject | undefined>;
}

export function createCopier({ s3, clock }: SourceDependencies): Copier {
  const direct = createDirectWrites(s3, clock);
  const heads = createSourceHeads(s3);

  const readSource: Copier['readSource'] = async ({ source, destination, attributes = {} }, cutOff) => {
    const answer = await heads.head(source, endedBy(cutOff));
    if (replacesMetadata(attributes)) assertAllShown(answer);
    return sourceHeadOf(answer, destination.bucket);
  };

  async function copyOnce(
    { source, destination, attributes = {}, ifExists }: Copy,
    head: SourceHead | undefined,
    cutOff: AbortSignal | undefined,
  ): Promise<StoredObject> {
    const headers = copyHeaders(source, { attributes, ifAbsent: ifExists !== 'overwrite', head });
    const answer = await direct.send({ ...destination, headers }, cutOff);
    if (answer === undefined) return copyBySdk(s3, { destination, attributes }, headers, cutOff);
    const { 'x-amz-version-id': versionId } = answer.headers;
    const algorithm = attributes.checksumAlgorithm ?? DEFAULT_CHECKSUM;
    return storedObject({
      etag: answer.etag,
      versionId,
      checksum: elementText(answer.text, checksumField(algorithm)),
      ...namedAlgorithm(algorithm),
    });
  }

  /** A 412 says that the source or the destination is not as it should be. S3 names which; other servers may not. */
  async function whichCondition(
    error: unknown,
    copy: Copy,
    { etag, versionId }: SourceHead,
    cutOff: AbortSignal | undefined,
  ): Promise<unknown> {
    const { Condition } = error as { Condition?: string };
    if (classifyFault(error).kind !== 'exists' || Condition !== undefined) return error;
    const isSame = async () => {
      const now = await readSource(copy, cutOff);
      return now.etag === etag && now.versionId === versionId;
    };
    if (copy.ifExists !== 'overwrite' && (await isSame())) return error;
    return Object.assign(error as Error, { Condition: SOURCE_CONDITION });
  }

  return {
    readSource,
    async copy(copy, head, cutOff) {
      try {
        return await copyOnce(copy, head, cutOff);
      } catch (error) {
        throw head === undefined ? error : await whichCondition(error, copy, head, cutOff);
      }
    },
    recognise: (copy, cutOff) => findOwnCopy(heads, copy, cutOff),
  };
}

async function copyBySdk(
  s3: S3Client,
  { destination: { bucket, key }, attributes = {} }: Pick<Copy, 'destination' | 'attributes'>,
  headers: Record<string, string>,
  cutOff: AbortSignal | undefined,
): Promise<StoredObject> {
  const command = new CopyObjectCommand({
    Bucket: bucket,
    Key: key,
    CopySource: headers['x-amz-copy-source'],
  });
  // As headers, not as the command's fields: the source's metadata is sent on as it came, even an Expires that is no date.
  command.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: Record<string, string> }).headers, headers);
      return next(args);
    },
    { step: 'build', name: 'copyHeaders' },
  );
  const { CopyObjectResult: result, VersionId: versionId } = await sendProven(s3, command, {
    ...endedBy(cutOff),
    requestTimeout: copyTimeoutMs(cutOff),
  });
  const algorithm = attributes.checksumAlgorithm ?? DEFAULT_CHECKSUM;
  const checksum = result?.[checksumField(algorithm)];
  return storedObject({ etag: result?.ETag, versionId, checksum, ...namedAlgorithm(algorithm) });
}
