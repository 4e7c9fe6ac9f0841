// The single requests of a copy in parts.
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { attributeHeaders, type ChecksumAlgorithm } from '../../attributes/object-attributes.ts';
import { copyTimeoutMs } from '../../aws/budgets.ts';
import { sendProven } from '../../aws/proof.ts';
import { createSourceHeads } from '../../aws/source-heads.ts';
import {
  CHECKSUM_FIELDS,
  type ChecksumField,
  checksumSetting,
  DEFAULT_CHECKSUM,
} from '../../transfer/checksum.ts';
import { abortOnce, objectInput } from '../../transfer/multipart-writer.ts';
import { endedBy, objectIn, type WrittenObject } from '../../transfer/object-writer.ts';
import type { Part } from '../../transfer/part-plan.ts';
import type { SourceDependencies } from '../source.ts';
import { withHeaders } from './command-headers.ts';
import type { Copy } from './copier.ts';
import type { BegunCopy } from './copy-memory.ts';
import { attributesInParts, copySourceOf, type SourceHead, WHOLE_CRCS, wholeCrcOf } from './headers.ts';
import { unquoted } from './source-check.ts';

export interface CopiedPart {
  number: number;
  etag: string;
  bytes: number;
  /** By the SDK's name of the field; absent where the upload has no checksum. */
  checksum?: { [Name in ChecksumField]?: string };
  /** Epoch ms, by S3's clock. */
  copiedAtMs?: number;
}

export interface PartPage {
  parts: CopiedPart[];
  /** Where the next page begins; absent on the last. */
  next?: string;
}

export type PartRequests = ReturnType<typeof createPartRequests>;

/** Aborts are asked for at an invocation's end too, whose time is short. */
const ABORT_REQUEST_MS = 2_000;

/** Of these S3 keeps one of the whole object; of the others, one of the parts' checksums. (user guide, object integrity) */
const WHOLE: ReadonlySet<ChecksumAlgorithm> = new Set(WHOLE_CRCS);

/** Each request throws what the S3 client throws, or NoProof; classifyFault reads both. */
export function createPartRequests({ s3, copies = {} }: SourceDependencies) {
  const heads = createSourceHeads(s3, copies.requesterPays);
  const sendsChecksums = checksumSetting(s3);
  const payer = copies.requesterPays === true ? { RequestPayer: 'requester' as const } : {};
  const patient = (cutOff: AbortSignal) => ({ ...endedBy(cutOff), requestTimeout: copyTimeoutMs(cutOff) });

  /** The row's, or the source's own: S3 can then compare the copy with its source. CRC64NVME is S3's default. */
  const algorithmOf = ({ attributes = {} }: Copy, { crc }: SourceHead): ChecksumAlgorithm =>
    attributes.checksumAlgorithm ?? crc?.algorithm ?? 'CRC64NVME';

  return {
    /** Never cut off: without its id an upload can't be aborted. @returns the id */
    async begin(copy: Copy, head: SourceHead, tags: ReadonlyMap<string, string>): Promise<string> {
      const algorithm = algorithmOf(copy, head);
      const headers = attributeHeaders(attributesInParts(head, copy.attributes ?? {}, tags));
      const command = new CreateMultipartUploadCommand({
        ...objectInput(copy),
        ...payer,
        ...((await sendsChecksums())
          ? {
              ChecksumAlgorithm: algorithm,
              ChecksumType: WHOLE.has(algorithm) ? ('FULL_OBJECT' as const) : ('COMPOSITE' as const),
            }
          : {}),
      });
      const { UploadId = '' } = await sendProven(s3, withHeaders(command, headers));
      return UploadId;
    },

    /** Only while the source is still the one that the upload is of. */
    async copyPart(
      copy: Copy,
      { uploadId, etag, versionId, sizeBytes }: BegunCopy,
      { number, offset, bytes }: Part,
      cutOff: AbortSignal,
    ): Promise<CopiedPart> {
      const command = new UploadPartCopyCommand({
        ...objectInput(copy),
        ...payer,
        UploadId: uploadId,
        PartNumber: number,
        CopySource: copySourceOf({ ...(versionId === undefined ? {} : { versionId }), ...copy.source }),
        CopySourceIfMatch: etag,
        // S3 takes ranges of objects above 5 MiB alone.
        ...(bytes === sizeBytes ? {} : { CopySourceRange: `bytes=${offset}-${offset + bytes - 1}` }),
      });
      const { CopyPartResult: result } = await sendProven(s3, command, patient(cutOff));
      return { number, bytes, etag: result?.ETag ?? '', ...checksumOf(result ?? {}) };
    },

    async listParts(
      copy: Copy,
      uploadId: string,
      from: string | undefined,
      cutOff: AbortSignal,
    ): Promise<PartPage> {
      const answer = await s3.send(
        new ListPartsCommand({
          ...objectInput(copy),
          ...payer,
          UploadId: uploadId,
          ...(from === undefined ? {} : { PartNumberMarker: from }),
        }),
        endedBy(cutOff),
      );
      const parts = (answer.Parts ?? []).map((part) => ({
        number: part.PartNumber ?? 0,
        etag: part.ETag ?? '',
        bytes: part.Size ?? 0,
        ...checksumOf(part),
        ...(part.LastModified === undefined ? {} : { copiedAtMs: part.LastModified.getTime() }),
      }));
      const next = answer.IsTruncated === true ? answer.NextPartNumberMarker : undefined;
      return { parts, ...(next === undefined ? {} : { next }) };
    },

    async complete(
      copy: Copy,
      { uploadId, sizeBytes }: BegunCopy,
      head: SourceHead,
      parts: readonly CopiedPart[],
      cutOff: AbortSignal,
    ): Promise<WrittenObject> {
      const algorithm = algorithmOf(copy, head);
      const { crc } = head;
      const isCompared = crc !== undefined && crc.algorithm === algorithm && (await sendsChecksums());
      const answer = await sendProven(
        s3,
        new CompleteMultipartUploadCommand({
          ...objectInput(copy),
          ...payer,
          UploadId: uploadId,
          MultipartUpload: {
            Parts: parts.map(({ number, etag: ETag, checksum: own }) => ({
              PartNumber: number,
              ETag,
              ...(WHOLE.has(algorithm) ? {} : own),
            })),
          },
          // S3 refuses to complete an object whose bytes differ from its source's.
          ...(isCompared
            ? { [`Checksum${algorithm}`]: crc.value, ChecksumType: 'FULL_OBJECT' as const }
            : {}),
          ...(copy.ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
        }),
        patient(cutOff),
      );
      return objectIn(answer, DEFAULT_CHECKSUM, sizeBytes);
    },

    /**
     * @returns the object at the destination if it is made of so many parts of this source, else undefined. Without a checksum,
     *   the size and the number of parts decide
     */
    async recognise(
      copy: Copy,
      { sizeBytes, partBytes }: BegunCopy,
      head: SourceHead,
    ): Promise<WrittenObject | undefined> {
      const found = await heads.head(copy.destination, { withChecksum: true });
      const parts = Math.ceil(sizeBytes / partBytes);
      if (found.ContentLength !== sizeBytes || !unquoted(found.ETag ?? '').endsWith(`-${parts}`)) {
        return undefined;
      }
      const crc = wholeCrcOf(found);
      const isComparable = crc !== undefined && crc.algorithm === head.crc?.algorithm;
      return isComparable && crc.value !== head.crc?.value
        ? undefined
        : objectIn(found, DEFAULT_CHECKSUM, sizeBytes);
    },

    exists: ({ destination }: Copy): Promise<boolean> => heads.exists(destination),

    abort: (copy: Pick<Copy, 'destination'>, uploadId: string): Promise<void> =>
      abortOnce(
        s3,
        { ...objectInput(copy), ...payer, UploadId: uploadId },
        { requestTimeout: ABORT_REQUEST_MS },
      ),
  };
}

function checksumOf(answer: { [Name in ChecksumField]?: string | undefined }): Pick<CopiedPart, 'checksum'> {
  const name = CHECKSUM_FIELDS.find((each) => answer[each] !== undefined);
  return name === undefined ? {} : { checksum: { [name]: answer[name] } };
}
