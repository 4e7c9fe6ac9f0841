// The content type of a file, by the ending of its name.
//
// The full table, not `mime/lite`: that one lacks vendor types such as those of .xlsx, .docx, .ico, .m3u8 and .apk.
// Text gets no charset: a name does not show it, and a wrong one overrides what the file itself declares.
// Compressed files are what they are: no Content-Encoding is sent, so `page.html.gz` is application/gzip.
import mime from 'mime';

/**
 * For names that show no type. For such files the AWS CLI sends no type, and S3 then stores binary/octet-stream, which is
 * registered nowhere. Both make browsers download the file.
 */
const UNKNOWN_TYPE = 'application/octet-stream';

/**
 * @param fileName the file's name as it was found, with or without folders
 * @param key counts where the file's name says nothing, as in `put build/out s3://b/index.html`
 */
export function contentTypeOf(fileName: string, key: string): string {
  return typeOf(fileName) ?? typeOf(key) ?? UNKNOWN_TYPE;
}

function typeOf(name: string): string | null {
  // Without a folder before it, `html` would count as an ending, and not as a whole name.
  return mime.getType(`/${name}`);
}
