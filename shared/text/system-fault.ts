// The system's errors of a file or stream that can't be written, in words.

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: "the user's quota of the disk is used up",
  EFBIG: 'files may not be so large there',
  EROFS: 'the file system is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  ENOTDIR: 'a file stands where its folder should',
  EISDIR: 'a folder stands where the file should',
  ENAMETOOLONG: 'its name is too long for the file system',
  EIO: 'the disk failed',
};

/** `no space is left on the disk (ENOSPC)` */
export function systemFaultText({ code, message }: NodeJS.ErrnoException): string {
  const words = code === undefined ? undefined : WORDS[code];
  return words === undefined ? message : `${words} (${code})`;
}

/** The message for a stdout that can't be written. Undefined when its reader has closed it, as `| head` does: no fault. */
export function lostOutputText(error: NodeJS.ErrnoException): string | undefined {
  if (error.code === 'EPIPE') return undefined;
  return `the output is cut off: ${systemFaultText(error)}. Free space there, or send it elsewhere`;
}
