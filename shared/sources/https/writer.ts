// The writer of rows whose object is on the web.
import type { ManifestItem } from '../../manifest/columns.ts';
import { urlOf } from '../../manifest/web-source.ts';
import type { SourceDependencies, SourceWriter } from '../source.ts';
import { MAX_SOURCE_BYTES } from './answers.ts';
import type { WebRead } from './body.ts';
import { createWebClient } from './client.ts';
import { createWebTransfers } from './transfer.ts';

export function createWebWriter({ s3, clock, web = { hosts: [] } }: SourceDependencies): SourceWriter {
  const { hosts, mostBytes = MAX_SOURCE_BYTES, ...more } = web;
  const transfers = createWebTransfers({ s3, clock }, createWebClient({ clock, ...more }, hosts));
  return { begin: (item) => transfers.writerOf({ ...readOf(item), mostBytes }) };
}

function readOf({ source = '', size, source_etag }: ManifestItem): Omit<WebRead, 'mostBytes'> {
  return { url: urlOf(source), expected: { sizeBytes: size, etag: source_etag } };
}
