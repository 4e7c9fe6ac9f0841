// What a content type may be made of, in a manifest and on a command line.

/** 1 to 256 printable ASCII characters: a header carries them unchanged, and no longer value is registered. */
export const CONTENT_TYPE = /^[\x20-\x7e]{1,256}$/;
