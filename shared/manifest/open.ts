// Opens a manifest: finds its format, and has the format read the head or say why it can't.
//
// A manifest's format is decided, in this order, by
//   1. its content, where that plainly shows a format
//   2. the ending of its name
//   3. its content type
// A name that says another format than the content shows is refused, unless the two are kin: `.csv` with tabs is TSV.
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
  /** Columns that the job's key template names, and that are no column of a manifest. */
  extraColumns?: readonly string[];
}

/** Reads the head from the manifest's first bytes, of which 256 KiB are enough; never throws. */
export function openManifest(firstBytes: Uint8Array, about: AboutManifest): OpenedManifest {
  const bytes = Buffer.from(firstBytes.buffer, firstBytes.byteOffset, firstBytes.byteLength);
  const { sizeBytes, extraColumns = [] } = about;
  const start: ManifestStart = { bytes, sizeBytes, extraColumns };
  const refusal = refusalOfFile(bytes, about);
  if (refusal !== undefined) return refusal;

  const ending = endingOf(about.key);
  const byName = FORMATS.find(({ endings }) => endings.includes(ending));
  const named = byName ?? formatOfContentType(about.contentType ?? '');
  const found = detect(start, named);
  if (found.refused !== undefined) return found.refused;
  const format = found.own?.format ?? named;
  if (format === undefined) return refusalOfText(start) ?? unknownFormat();
  if (found.own !== undefined && named !== undefined && !isOrIsKin(named, format)) {
    const [type] = format.contentTypes;
    const [how, remedy] =
      byName === undefined
        ? ['content type', `give it the type ${type}`]
        : ['name', `name it .${format.endings[0]}`];
    return unreadable(
      'FormatMismatch',
      `a manifest in ${named.name} by its ${how}, but its first line is ${found.own.shows}: ${remedy}`,
    );
  }
  const opened = format.open(start);
  if (opened.kind === 'unreadable' || extraColumns.length === 0) return opened;
  return { ...opened, head: { ...opened.head, extraColumns } };
}

type Format = (typeof FORMATS)[number];

function isOrIsKin(one: Format, other: Format): boolean {
  return one === other || (one.kin !== undefined && one.kin === other.kin);
}

interface Found {
  own?: { format: Format; shows: string };
  refused?: Unreadable;
}

function detect(start: ManifestStart, named: Format | undefined): Found {
  const found: Found = {};
  for (const format of FORMATS) {
    const detected = format.detect(start);
    if (detected?.kind === 'refused') found.refused ??= detected.fault;
    const isOwn =
      detected?.kind === 'own' ||
      (detected?.kind === 'likely' && named !== undefined && isOrIsKin(named, format));
    if (isOwn) found.own ??= { format, shows: detected.shows };
  }
  return found;
}

function unknownFormat(): Unreadable {
  const names = FORMATS.map(({ nameIt }) => nameIt).join(', or ');
  return unreadable(
    'UnknownFormat',
    `neither the name nor the first line tells the format: name it ${names}; a JSON array begins with a bracket and an object, [{ ... }, ...], without comments`,
  );
}
