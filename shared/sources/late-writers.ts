// The writers of sources whose code is loaded with the first row that needs it. They are one module: each further one splits a
// bundle into more files, and each file that a cold start reads costs it about a millisecond.
import { createWebWriter } from './https/writer.ts';
import { createCopyWriter } from './s3-copy/writer.ts';

export const lateWriters = { web: createWebWriter, copy: createCopyWriter };
