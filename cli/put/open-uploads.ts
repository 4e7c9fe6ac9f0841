// Remembers which multipart uploads are open, so that none is left behind when the command is interrupted: their parts
// wait for turns that will not come any more, and S3 keeps and bills what was sent.
import type { MultipartWriter, PartedWrite } from '../../shared/transfer/multipart-writer.ts';

export interface OpenUploads {
  /** As the given one, remembering. */
  uploads: MultipartWriter;
  /** Failures are left alone: the command ends all the same. */
  abortAll(): Promise<void>;
}

export function rememberOpenUploads(uploads: MultipartWriter): OpenUploads {
  const open = new Map<string, PartedWrite>();
  return {
    uploads: {
      ...uploads,
      async begin(write, cutOff) {
        const uploadId = await uploads.begin(write, cutOff);
        open.set(uploadId, write);
        return uploadId;
      },
      async complete(write, uploadId, parts, cutOff) {
        const object = await uploads.complete(write, uploadId, parts, cutOff);
        open.delete(uploadId);
        return object;
      },
      async abort(write, uploadId) {
        await uploads.abort(write, uploadId);
        open.delete(uploadId);
      },
    },
    async abortAll() {
      await Promise.allSettled([...open].map(([uploadId, write]) => uploads.abort(write, uploadId)));
    },
  };
}
