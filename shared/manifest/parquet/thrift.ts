// Reads Thrift's compact protocol, in which Parquet writes its footer and page headers (apache/thrift,
// doc/specs/thrift-compact-protocol.md). Only what is asked for is kept: all else is skipped without allocation.
import { damaged } from './limits.ts';

const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const MAP = 11;
const STRUCT = 12;
const UUID = 13;

/** Parquet's own structures are nested six deep. */
const MAX_DEPTH = 32;

/** The bytes end within the structure: for a page header, more of the file must be read. */
export class ThriftCutOff extends Error {
  override readonly name = 'ThriftCutOff';
}

export type FieldReader = (reader: ThriftReader, type: number) => void;

export class ThriftReader {
  readonly #bytes: Uint8Array;
  #depth = 0;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  /**
   * Reads a structure: fields without a reader are skipped.
   * @param numbers keeps those fields that have, instead of a reader, a name in it
   */
  struct<Name extends string>(
    fields: Readonly<Record<number, FieldReader | Name>>,
    numbers?: Record<NoInfer<Name>, number | undefined>,
  ): void {
    this.#enter();
    for (let id = 0; ; ) {
      const head = this.#byte();
      const type = head & 0x0f;
      if (head === 0) break;
      const delta = head >> 4;
      id = delta === 0 ? this.#zigZag() : id + delta;
      const read = Object.hasOwn(fields, id) ? fields[id] : undefined;
      if (typeof read === 'function') read(this, type);
      else if (read !== undefined && numbers !== undefined) numbers[read] = this.int(type);
      else this.#skip(type);
    }
    this.#depth -= 1;
  }

  /** Reads a list: `each` must read one element. @returns how many there were */
  list(type: number, most: number, what: string, each: (elementType: number, index: number) => void): number {
    if (type !== LIST) throw damaged(`${what} is no list`);
    const { size, elementType } = this.#listHead();
    if (size > most) throw damaged(`${size} ${what}, above ${most}`);
    for (let index = 0; index < size; index++) each(elementType, index);
    return size;
  }

  int(type: number): number {
    if (type === BYTE) return (this.#byte() << 24) >> 24;
    if (type !== I16 && type !== I32 && type !== I64) throw damaged('text where a number should be');
    return this.#zigZag();
  }

  bool(type: number): boolean {
    if (type !== TRUE && type !== FALSE) throw damaged('no boolean where one should be');
    return type === TRUE;
  }

  /** A view, not a copy. */
  binary(type: number): Uint8Array {
    if (type !== BINARY) throw damaged('a number where text should be');
    const length = this.#length();
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  text(type: number): string {
    return Buffer.from(this.binary(type)).toString('utf8');
  }

  /** Of a structure that `struct` reads next. */
  expect(type: number): this {
    if (type !== STRUCT) throw damaged('no structure where one should be');
    return this;
  }

  #enter(): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw damaged(`structures nested more than ${MAX_DEPTH} deep`);
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new ThriftCutOff();
    this.at += 1;
    return byte;
  }

  /** LEB128, as a float: above 2^53 it is no longer exact, and no size of a file is. */
  #varInt(): number {
    let value = 0;
    let scale = 1;
    for (let bytes = 0; bytes < 10; bytes++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw damaged('a number of more than 64 bits');
  }

  #zigZag(): number {
    const value = this.#varInt();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #length(): number {
    const length = this.#varInt();
    if (length > this.#bytes.length - this.at) throw new ThriftCutOff();
    return length;
  }

  #listHead(): { size: number; elementType: number } {
    const head = this.#byte();
    const size = head >> 4;
    return { size: size === 15 ? this.#varInt() : size, elementType: head & 0x0f };
  }

  /** @param inList booleans in lists have a byte of their own; as fields they are in the type */
  #skip(type: number, inList = false): void {
    switch (type) {
      case TRUE:
      case FALSE:
        if (inList) this.#byte();
        return;
      case BYTE:
        this.#byte();
        return;
      case I16:
      case I32:
      case I64:
        this.#varInt();
        return;
      case DOUBLE:
        this.#jump(8);
        return;
      case UUID:
        this.#jump(16);
        return;
      case BINARY:
        this.#jump(this.#length());
        return;
      case LIST:
      case SET:
        this.#skipList();
        return;
      case MAP:
        this.#skipMap();
        return;
      case STRUCT:
        this.struct({});
        return;
      default:
        throw damaged(`a value of the unknown type ${type}`);
    }
  }

  /** Every element takes a byte at least, so the bytes bound the loop. */
  #skipList(): void {
    this.#enter();
    const { size, elementType } = this.#listHead();
    for (let index = 0; index < size; index++) this.#skip(elementType, true);
    this.#depth -= 1;
  }

  #skipMap(): void {
    this.#enter();
    const size = this.#varInt();
    const types = size === 0 ? 0 : this.#byte();
    for (let index = 0; index < size; index++) {
      this.#skip(types >> 4, true);
      this.#skip(types & 0x0f, true);
    }
    this.#depth -= 1;
  }

  #jump(bytes: number): void {
    if (bytes > this.#bytes.length - this.at) throw new ThriftCutOff();
    this.at += bytes;
  }
}
