// Remembers which multipart uploads are open, so that none is left behind when the command ends: the parts of an
// interrupted one wait for turns that will not come any more, and S3 keeps and bills what was sent.
import type { Fault } from '../../shared/aws/classify.ts';
import { type AbortDependencies, abortUpload } from '../../shared/transfer/multipart.ts';
import type { MultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';

export interface OpenUpload {
  bucket: string;
  key: string;
  uploadId: string;
  /** What S3 answered to its abort. */
  code: string;
  message: string;
}

const NO_ANSWER = { code: 'NoAnswer', message: 'S3 has not answered' };

export interface OpenUploads {
  /** As the given one, remembering. */
  uploads: MultipartWriter;
  /**
   * Aborts all that is open, and what is just being begun.
   * @param untilMs epoch ms: no request is begun beyond it
   * @returns those that are open all the same
   */
  abortAll(untilMs: number): Promise<OpenUpload[]>;
}

export function rememberOpenUploads({ uploads, clock, random }: AbortDependencies): OpenUploads {
  const open = new Map<string, ObjectWrite>();
  const beginning = new Set<Promise<unknown>>();

  async function begin(write: ObjectWrite): Promise<string> {
    const uploadId = await uploads.begin(write);
    open.set(uploadId, write);
    return uploadId;
  }

  return {
    uploads: {
      ...uploads,
      begin(write) {
        const begun = begin(write);
        const settled: Promise<unknown> = begun.then(ignore, ignore).then(() => beginning.delete(settled));
        beginning.add(settled);
        return begun;
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

    async abortAll(untilMs) {
      const finished = new AbortController();
      const isOver = clock.sleep(untilMs - clock.now(), finished.signal).catch(ignore);
      const faults = new Map<string, Fault>();
      const abort = async ([uploadId, write]: [string, ObjectWrite]): Promise<void> => {
        const fault = await abortUpload({ uploads, clock, random }, write, uploadId, untilMs);
        if (fault === undefined) open.delete(uploadId);
        else faults.set(uploadId, fault);
      };
      await Promise.race([Promise.all(beginning), isOver]);
      await Promise.race([Promise.all([...open].map(abort)), isOver]);
      finished.abort();
      return [...open].map(([uploadId, { destination }]) => {
        const { code, message } = faults.get(uploadId) ?? NO_ANSWER;
        return { ...destination, uploadId, code, message };
      });
    },
  };
}

/** The caller that began an upload gets its result; a wait that is no longer needed just ends. */
function ignore(): void {}
