// Opens a manifest: finds its format, and has the format read the head or say why it can't.
//
// A manifest's format is decided, in this order, by
//   1. the ending of its name
//   2. its content type
//   3. its content
// Content that plainly shows another format than the name says is refused.
import { type ManifestStart, type Opened, type Unreadable, unreadable } from './format.ts';
import { FORMATS, formatOfContentType, type ManifestHead } from './formats/all.ts';
import { refusalOfText } from './lines/start.ts';
import { endingOf, refusalOfFile } from './refused-files.ts';

export type OpenedManifest = Opened<ManifestHead>;

/** What is known of a manifest beside its first bytes. */
export interface AboutManifest {
  key: string;
  contentType?: string;
  sizeBytes: number;
  /** It arrived as text, in which each byte that is not UTF-8 was replaced by 0xff (functions/api/body.ts). */
  wasText?: boolean;
}

/** Reads the head from the manifest's first bytes, of which 256 KiB are enough; never throws. */
export function openManifest(firstBytes: Uint8Array, about: AboutManifest): OpenedManifest {
  const bytes = Buffer.from(firstBytes.buffer, firstBytes.byteOffset, firstBytes.byteLength);
  const start: ManifestStart = { bytes, sizeBytes: about.sizeBytes };
  const refusal = refusalOfFile(bytes, about);
  if (refusal !== undefined) return refusal;

  const ending = endingOf(about.key);
  const named =
    FORMATS.find(({ endings }) => endings.includes(ending)) ?? formatOfContentType(about.contentType ?? '');
  const found = detect(start);
  if (found.refused !== undefined) return found.refused;
  const format = named ?? found.own?.format;
  if (format === undefined) return refusalOfText(start) ?? unknownFormat();
  if (found.own !== undefined && found.own.format !== format) {
    return unreadable(
      'FormatMismatch',
      `a manifest in ${format.name} by its name, but its first line is ${found.own.shows}`,
    );
  }
  return format.open(start);
}

interface Found {
  own?: { format: (typeof FORMATS)[number]; shows: string };
  refused?: Unreadable;
}

function detect(start: ManifestStart): Found {
  const found: Found = {};
  for (const format of FORMATS) {
    const detected = format.detect(start);
    if (detected?.kind === 'refused') found.refused ??= detected.fault;
    if (detected?.kind === 'own') found.own ??= { format, shows: detected.shows };
  }
  return found;
}

function unknownFormat(): Unreadable {
  const names = FORMATS.map(({ nameIt }) => nameIt).join(', or ');
  return unreadable(
    'UnknownFormat',
    `neither the name nor the first line tells the format: name it ${names}`,
  );
}
