// What S3 takes of the attributes of an object. What it would refuse is found before anything is sent: no retry helps there.
//
// Each check returns what is wrong, to stand behind the name of a column or an option, or undefined.
import { redactedUnknown } from '../text/redacted.ts';
import { unicodeSet } from '../text/unicode-set.ts';
import { quoted } from '../text/visible.ts';
import { STORAGE_CLASSES } from './object-attributes.ts';

/** S3's limit on system-defined metadata, and on user-defined: 2 KB each, names and values. (User guide, UsingMetadata) */
export const MAX_CONTENT_HEADER_BYTES = 2 * 1024;
export const MAX_METADATA_BYTES = 2 * 1024;
/**
 * S3 takes 8 KB of headers with a PUT (user guide, UsingMetadata). What is set on the object may have 6: the rest is for the
 * signature, the session's token and the source of a copy.
 */
export const MAX_ATTRIBUTE_BYTES = 6 * 1024;
/** Tags of an object, characters of a name and of a value. (User guide, "Categorizing your storage using tags") */
export const MAX_TAGS = 10;
const MAX_TAG_NAME = 128;
const MAX_TAG_VALUE = 256;

/** One header's value: two of the longest come to S3's limit on all of them. */
const MAX_HEADER_CHARACTERS = 1_024;
/** No longer type is registered. */
const MAX_CONTENT_TYPE_CHARACTERS = 256;
/** Characters of a wrong value that a message shows. */
const SHOWN_CHARACTERS = 60;

export const IF_EXISTS = ['overwrite', 'skip', 'fail'] as const;
export const ENCRYPTIONS = ['aws:kms', 'AES256'] as const;
export type EncryptionName = (typeof ENCRYPTIONS)[number];
/** A class of S3, or the one that a copy's source has. */
export const STORAGE_CLASS_CHOICES = [...STORAGE_CLASSES, 'source'] as const;
export type StorageClassChoice = (typeof STORAGE_CLASS_CHOICES)[number];
export const BUCKET_KEY_CHOICES = ['true', 'false'] as const;

const CONTENT_TYPE = new RegExp(`^[\\x20-\\x7e]{1,${MAX_CONTENT_TYPE_CHARACTERS}}$`);
/** HTTP drops spaces at the ends of a value. */
const HEADER = new RegExp(`^(?! )[\\x20-\\x7e]{1,${MAX_HEADER_CHARACTERS}}(?<! )$`);
/** A token of HTTP: what the name of a header is made of. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const METADATA_VALUE = /^(?! )[\x20-\x7e]*(?<! )$/;
/** AWS's pattern for tags. (API reference, Tag) */
const tagCharacters = unicodeSet(String.raw`^[\p{L}\p{Z}\p{N}_.:\/=+\-@]*$`, 'u');
const controlCharacter = unicodeSet(String.raw`\p{Cc}`, 'u');
const TAG_CHARACTERS_TEXT = 'letters, digits, spaces and + - = . _ : / @';
const KMS_ID = '(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})';
const KMS_ALIAS = 'alias/[A-Za-z0-9/_-]{1,250}';
const KMS_ARN = `arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(?:key/${KMS_ID}|${KMS_ALIAS})`;
const KMS_KEY = new RegExp(`^(?:${KMS_ID}|${KMS_ALIAS}|${KMS_ARN})$`);

export type Fault = string | undefined;

export function faultOfContentType(text: string): Fault {
  if (CONTENT_TYPE.test(text)) return undefined;
  return `is not 1 to ${MAX_CONTENT_TYPE_CHARACTERS} printable ASCII characters`;
}

export function faultOfHeader(text: string): Fault {
  if (HEADER.test(text)) return undefined;
  return `is not 1 to ${MAX_HEADER_CHARACTERS} printable ASCII characters without spaces at the ends: a header carries no others`;
}

/** `aws-chunked` says how a body is sent to S3: as an object's own encoding it would be false. */
export function faultOfContentEncoding(text: string): Fault {
  if (!/\baws-chunked\b/i.test(text)) return faultOfHeader(text);
  return 'holds aws-chunked, which says how bytes travel to S3 and not how they are encoded: leave it out';
}

export function faultOfMetadataName(name: string): Fault {
  if (name.length <= MAX_METADATA_BYTES && TOKEN.test(name)) return undefined;
  return `has the name ${shown(name)}: a header's name takes ASCII letters, digits and !#$%&'*+-.^_\`|~`;
}

export function faultOfMetadataValue(name: string, value: string): Fault {
  if (METADATA_VALUE.test(value)) return undefined;
  if (/^[\x20-\x7e]*$/.test(value))
    return `${shown(name)} has a space at an end of its value, which HTTP drops: leave it out`;
  if (controlCharacter().test(value))
    return `${shown(name)} holds a control character, which no header carries: leave it out`;
  return `${shown(name)} holds characters beyond ASCII, which no header carries: write them as RFC 2047 does, =?UTF-8?B?…?= with base64 for …`;
}

export function faultOfTag(name: string, value: string): Fault {
  const [names, values] = [charactersIn(name), charactersIn(value)];
  if (names < 1 || names > MAX_TAG_NAME)
    return `has a name of ${names} characters: S3 takes 1 to ${MAX_TAG_NAME}`;
  if (values > MAX_TAG_VALUE)
    return `${shown(name)} has a value of ${values} characters: S3 takes up to ${MAX_TAG_VALUE}`;
  if (!tagCharacters().test(name)) return `has the name ${shown(name)}: S3 takes ${TAG_CHARACTERS_TEXT}`;
  if (!tagCharacters().test(value))
    return `${shown(name)} has the value ${shown(value)}: S3 takes ${TAG_CHARACTERS_TEXT}`;
  if (/^aws:/i.test(name)) return `has the name ${shown(name)}: names that begin with aws: are AWS's own`;
  return undefined;
}

export function faultOfKmsKey(text: string): Fault {
  if (KMS_KEY.test(text)) return undefined;
  return `${shown(text)} is no key of KMS: it takes a key id, alias/NAME, or the ARN of either (arn:aws:kms:REGION:ACCOUNT:key/ID)`;
}

export function faultOfChoice(text: string, choices: readonly string[]): Fault {
  return choices.includes(text) ? undefined : `${shown(text)} is none of ${choices.join(', ')}`;
}

/** In code points, as AWS counts them. */
function charactersIn(text: string): number {
  return [...text].length;
}

function shown(text: string): string {
  return quoted(redactedUnknown(text).slice(0, SHOWN_CHARACTERS));
}
