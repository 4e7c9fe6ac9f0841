// The content type of an object, by the ending of its key.
//
// Text gets no charset: a name does not tell it, and a wrong one overrides what the bytes themselves declare. Compressed files are
// what they are: no Content-Encoding is sent, so `page.html.gz` is application/gzip.
import { Mime } from 'mime/lite';
import standardTypes from 'mime/types/standard.js';

/**
 * Of the 900 types of vendors, those that are met. All of them would be a sixteenth of upload's bundle, whose size is limited.
 * `spillway put` knows them all, and gives the same type for each ending here.
 */
const VENDOR_TYPES: Record<string, string[]> = {
  'application/vnd.android.package-archive': ['apk'],
  'application/vnd.apple.mpegurl': ['m3u8'],
  'application/vnd.google-earth.kml+xml': ['kml'],
  'application/vnd.google-earth.kmz': ['kmz'],
  'application/vnd.ms-excel': ['xls'],
  'application/vnd.ms-fontobject': ['eot'],
  'application/vnd.ms-outlook': ['msg'],
  'application/vnd.ms-powerpoint': ['ppt'],
  'application/vnd.oasis.opendocument.presentation': ['odp'],
  'application/vnd.oasis.opendocument.spreadsheet': ['ods'],
  'application/vnd.oasis.opendocument.text': ['odt'],
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': ['pptx'],
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': ['xlsx'],
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': ['docx'],
  'application/vnd.rar': ['rar'],
  'application/vnd.visio': ['vsd'],
  'application/x-7z-compressed': ['7z'],
  'application/x-bittorrent': ['torrent'],
  'application/x-bzip2': ['bz2'],
  'application/x-ipynb+json': ['ipynb'],
  'application/x-netcdf': ['nc'],
  'application/x-pkcs12': ['p12'],
  'application/x-redhat-package-manager': ['rpm'],
  'application/x-sh': ['sh'],
  'application/x-subrip': ['srt'],
  'application/x-tar': ['tar'],
  'application/x-tex': ['tex'],
  'application/x-x509-ca-cert': ['der', 'crt', 'pem'],
  'application/x-xz': ['xz'],
  'audio/x-flac': ['flac'],
  'audio/x-matroska': ['mka'],
  'audio/x-ms-wma': ['wma'],
  'image/vnd.adobe.photoshop': ['psd'],
  'image/vnd.djvu': ['djvu'],
  'image/vnd.dwg': ['dwg'],
  'image/vnd.dxf': ['dxf'],
  'image/vnd.microsoft.icon': ['ico'],
  'image/x-adobe-dng': ['dng'],
  'image/x-tga': ['tga'],
  'text/x-c': ['c', 'h', 'cpp'],
  'text/x-java-source': ['java'],
  'text/x-scss': ['scss'],
  'video/x-flv': ['flv'],
  'video/x-m4v': ['m4v'],
  'video/x-matroska': ['mkv'],
  'video/x-ms-wmv': ['wmv'],
  'video/x-msvideo': ['avi'],
};

const mime = new Mime(standardTypes, VENDOR_TYPES);

/** @returns undefined where the ending says nothing */
export function guessContentType(key: string): string | undefined {
  // Without a folder before it, `html` would count as an ending, and not as a whole name.
  return mime.getType(`/${key}`) ?? undefined;
}

/** For tests: the endings whose types are the vendors'. */
export const VENDOR_ENDINGS: readonly string[] = Object.values(VENDOR_TYPES).flat();
