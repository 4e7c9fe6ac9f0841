// The bytes of an object or a part: pieces in memory or in spool files, joined and cut without copying them.
//
// A body owns one hold on each spool file of its pieces. A view (`sliceBody`) owns none until it is held itself.
import { open } from 'node:fs/promises';
import { s3Error } from './s3-answers.ts';

/** A file of the spool. It is deleted when its last hold is let go. */
export interface SpoolFile {
  path: string;
  hold(): void;
  letGo(): void;
}

type Piece =
  | { kind: 'memory'; bytes: Buffer }
  | { kind: 'file'; file: SpoolFile; startByte: number; sizeBytes: number };

export interface ObjectBody {
  sizeBytes: number;
  pieces: readonly Piece[];
}

/** Read from a file at once: large enough for few calls, small enough for many downloads at the same time. */
const READ_BYTES = 256 * 1024;

export function memoryBody(bytes: Buffer): ObjectBody {
  return { sizeBytes: bytes.length, pieces: [{ kind: 'memory', bytes }] };
}

/** Takes over the caller's hold on the file. */
export function fileBody(file: SpoolFile, sizeBytes: number): ObjectBody {
  return { sizeBytes, pieces: [{ kind: 'file', file, startByte: 0, sizeBytes }] };
}

/** Takes over the bodies' holds. */
export function joinBodies(bodies: readonly ObjectBody[]): ObjectBody {
  return {
    sizeBytes: bodies.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    pieces: bodies.flatMap(({ pieces }) => pieces),
  };
}

/** A view of the bytes from `startByte` up to, but without, `endByte`. */
export function sliceBody(body: ObjectBody, startByte: number, endByte: number): ObjectBody {
  if (startByte === 0 && endByte === body.sizeBytes) return body;
  const pieces: Piece[] = [];
  let pieceStart = 0;
  for (const piece of body.pieces) {
    const from = Math.max(startByte - pieceStart, 0);
    const to = Math.min(endByte - pieceStart, sizeOf(piece));
    if (from < to) pieces.push(cut(piece, from, to));
    pieceStart += sizeOf(piece);
  }
  return { sizeBytes: endByte - startByte, pieces };
}

export function holdBody(body: ObjectBody): ObjectBody {
  for (const piece of body.pieces) if (piece.kind === 'file') piece.file.hold();
  return body;
}

export function letGoOfBody(body: ObjectBody): void {
  for (const piece of body.pieces) if (piece.kind === 'file') piece.file.letGo();
}

/** The bytes where they are all in memory. */
export function bytesInMemory({ pieces }: ObjectBody): Buffer | undefined {
  const buffers: Buffer[] = [];
  for (const piece of pieces) {
    if (piece.kind === 'file') return undefined;
    buffers.push(piece.bytes);
  }
  const [only] = buffers;
  return buffers.length === 1 && only !== undefined ? only : Buffer.concat(buffers);
}

/** @returns S3's answer where the process may open no further file: it holds until other bodies have been sent */
export function fileError(error: NodeJS.ErrnoException): Error {
  if (error.code !== 'EMFILE' && error.code !== 'ENFILE') return error;
  return s3Error(503, 'ServiceUnavailable', 'Too many files are open: send fewer requests at once.');
}

/** @throws S3Error where too many files are open, else the file system's error */
export async function* readBody(body: ObjectBody): AsyncGenerator<Buffer> {
  for (const piece of body.pieces) {
    if (piece.kind === 'memory') yield piece.bytes;
    else yield* readFilePiece(piece);
  }
}

async function* readFilePiece({
  file,
  startByte,
  sizeBytes,
}: Extract<Piece, { kind: 'file' }>): AsyncGenerator<Buffer> {
  const handle = await open(file.path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw fileError(error);
  });
  try {
    for (let done = 0; done < sizeBytes; ) {
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes - done));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, startByte + done);
      if (bytesRead === 0) throw new Error(`${file.path} was cut short by another program`);
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

function sizeOf(piece: Piece): number {
  return piece.kind === 'memory' ? piece.bytes.length : piece.sizeBytes;
}

function cut(piece: Piece, from: number, to: number): Piece {
  if (piece.kind === 'memory') return { kind: 'memory', bytes: piece.bytes.subarray(from, to) };
  return { ...piece, startByte: piece.startByte + from, sizeBytes: to - from };
}
