// Finds the frames of a zstandard file (RFC 8878) without decoding them, and checks what their headers ask for.
//
//   file    frame | skippable frame, any number
//   frame   magic, header, blocks, checksum where the header says so
//   block   3 bytes: whether it is the last, its type, its size; then its content
//
// node:zlib decodes only the first of several frames in one write, and leaves the others out without a word
// (nodejs/node#64741). So the chunks are cut where a frame ends. A window is refused here before memory is taken for it.
import { ConversionFault } from './conversion.ts';

/** `zstd --long` and `--ultra` need this much; more must be asked for by name, and would not fit into the functions' memory. */
export const MAX_WINDOW_LOG = 27;
const MAX_WINDOW_BYTES = 2 ** MAX_WINDOW_LOG;

const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const REPEATED_BYTE = 1;
const RESERVED = 3;

/** What the splitter reads next: a field of a known number of bytes, or bytes that are only counted. */
type Expected = Field | Content;
type Field =
  | { kind: 'magic' | 'skippable size' | 'descriptor' | 'block header'; bytes: number }
  | { kind: 'header'; bytes: number; descriptor: number };
type Content =
  | { kind: 'content'; bytes: number; isLast: boolean }
  | { kind: 'skipped' | 'checksum'; bytes: number };

const NEXT_FRAME: Expected = { kind: 'magic', bytes: 4 };
const NEXT_BLOCK: Expected = { kind: 'block header', bytes: BLOCK_HEADER_BYTES };

/** The bytes of all frames but skippable ones, in chunks that end where a frame ends at the latest. */
export async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const splitter = new FrameSplitter();
  for await (const chunk of chunks) {
    yield* splitter.split(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }
  splitter.end();
}

class FrameSplitter {
  #expected: Expected = NEXT_FRAME;
  /** Bytes of the expected field that earlier chunks held. */
  #field: Buffer = Buffer.alloc(0);
  /** Bytes of the expected content that have passed. */
  #passed = 0;
  #hasChecksum = false;
  /** Of the chunk's first byte, in the file. */
  #offset = 0;

  *split(chunk: Buffer): Generator<Buffer> {
    let at = 0;
    /** Where the bytes begin that belong to a frame and are not given out yet. */
    let from = this.#isInFrame() ? 0 : undefined;
    while (at < chunk.length) {
      at += this.#take(chunk, at);
      if (from !== undefined && this.#expected === NEXT_FRAME) {
        yield chunk.subarray(from, at);
        from = undefined;
      } else if (from === undefined && this.#isInFrame()) {
        // The magic number was held back until its frame was known: the chunk may hold only the end of it.
        yield MAGIC_BYTES;
        from = at;
      }
    }
    if (from !== undefined && from < at) yield chunk.subarray(from);
    this.#offset += chunk.length;
  }

  /** Reads the expected bytes, as far as the chunk holds them. @returns how many it read */
  #take(chunk: Buffer, at: number): number {
    const expected = this.#expected;
    if (isContent(expected)) {
      const passing = Math.min(chunk.length - at, expected.bytes - this.#passed);
      this.#passed += passing;
      if (this.#passed === expected.bytes) {
        this.#passed = 0;
        this.#expected = this.#afterContent(expected);
      }
      return passing;
    }
    const part = chunk.subarray(at, at + expected.bytes - this.#field.length);
    // A copy: the chunk's owner may use it again.
    const field = Buffer.concat([this.#field, part]);
    if (field.length < expected.bytes) {
      this.#field = field;
    } else {
      this.#field = Buffer.alloc(0);
      this.#expected = this.#afterField(expected, field, this.#offset + at + part.length - field.length);
    }
    return part.length;
  }

  end(): void {
    if (this.#expected !== NEXT_FRAME || this.#field.length > 0) {
      throw new ConversionFault(
        'CompressionBroken',
        `the zstandard file is cut off: it ends at byte ${this.#offset}, within a frame; copy it again as a whole`,
      );
    }
  }

  #isInFrame(): boolean {
    const { kind } = this.#expected;
    return kind !== 'magic' && kind !== 'skippable size' && kind !== 'skipped';
  }

  #afterContent(expected: Content): Expected {
    if (expected.kind === 'content' && !expected.isLast) return NEXT_BLOCK;
    return expected.kind === 'content' && this.#hasChecksum
      ? { kind: 'checksum', bytes: CHECKSUM_BYTES }
      : NEXT_FRAME;
  }

  /** @param offset of the field, in the file */
  #afterField(expected: Field, field: Buffer, offset: number): Expected {
    switch (expected.kind) {
      case 'magic':
        return afterMagic(field.readUInt32LE(), offset);
      case 'skippable size': {
        const bytes = field.readUInt32LE();
        return bytes === 0 ? NEXT_FRAME : { kind: 'skipped', bytes };
      }
      case 'descriptor': {
        const descriptor = field.readUInt8();
        this.#hasChecksum = (descriptor & 0b100) !== 0;
        const { window, dictionary, size } = headerBytes(descriptor);
        const bytes = window + dictionary + size;
        return { kind: 'header', bytes, descriptor };
      }
      case 'header':
        checkHeader(expected.descriptor, field, offset);
        return NEXT_BLOCK;
      case 'block header':
        return this.#afterBlockHeader(field.readUIntLE(0, BLOCK_HEADER_BYTES), offset);
    }
  }

  #afterBlockHeader(header: number, offset: number): Expected {
    const isLast = (header & 1) === 1;
    const type = (header >> 1) & 0b11;
    if (type === RESERVED) {
      throw new ConversionFault(
        'CompressionBroken',
        `the zstandard file is damaged at byte ${offset}, where a block begins: copy it again, or make it again`,
      );
    }
    const bytes = type === REPEATED_BYTE ? 1 : header >> 3;
    // A block may be empty: then it is over already.
    return bytes === 0
      ? this.#afterContent({ kind: 'content', bytes, isLast })
      : { kind: 'content', bytes, isLast };
  }
}

function isContent(expected: Expected): expected is Content {
  return expected.kind === 'content' || expected.kind === 'skipped' || expected.kind === 'checksum';
}

function isSkippable(magic: number): boolean {
  return (magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC;
}

/** A file may begin with a skippable frame: pzstd writes one before each frame. */
export function beginsAsZstd(start: Buffer): boolean {
  if (start.length < MAGIC_BYTES.length) return false;
  const magic = start.readUInt32LE();
  return magic === MAGIC || isSkippable(magic);
}

function afterMagic(magic: number, offset: number): Expected {
  if (magic === MAGIC) return { kind: 'descriptor', bytes: 1 };
  if (isSkippable(magic)) return { kind: 'skippable size', bytes: 4 };
  throw new ConversionFault(
    'CompressionBroken',
    `the zstandard file has other bytes at byte ${offset}, where a frame should begin: remove them`,
  );
}

/** Bytes of the header's fields behind its descriptor. */
function headerBytes(descriptor: number): { window: number; dictionary: number; size: number } {
  const isSingle = (descriptor & 0b100000) !== 0;
  const sizeFlag = descriptor >> 6;
  const smallest = isSingle ? 1 : 0;
  return {
    window: isSingle ? 0 : 1,
    dictionary: [0, 1, 2, 4][descriptor & 0b11] ?? 0,
    size: sizeFlag === 0 ? smallest : 2 ** sizeFlag,
  };
}

function checkHeader(descriptor: number, field: Buffer, offset: number): void {
  const { window, dictionary, size } = headerBytes(descriptor);
  const dictionaryId = dictionary === 0 ? 0 : field.readUIntLE(window, dictionary);
  if (dictionaryId !== 0) {
    throw new ConversionFault(
      'CompressionUnsupported',
      `the zstandard frame at byte ${offset} needs the dictionary ${dictionaryId}: compress the manifest without one`,
    );
  }
  const windowBytes =
    window === 1 ? windowOf(field.readUInt8()) : singleWindowOf(field.subarray(dictionary), size);
  if (windowBytes > MAX_WINDOW_BYTES) {
    throw new ConversionFault(
      'CompressionUnsupported',
      `the zstandard frame at byte ${offset} needs a window of ${windowBytes} bytes; up to ${MAX_WINDOW_BYTES} are taken: compress the manifest with --long=${MAX_WINDOW_LOG} or less`,
    );
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 0b111);
}

/** A frame in a single segment has its whole content as its window. A size of two bytes is stored less 256. */
function singleWindowOf(field: Buffer, bytes: number): number {
  if (bytes === 8) return Number(field.readBigUInt64LE());
  return field.readUIntLE(0, bytes) + (bytes === 2 ? 256 : 0);
}
