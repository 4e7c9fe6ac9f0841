// The object is on the web: it is read through this process, from hosts that the deployment allows and addresses of the public
// internet alone, and written by PutObject or in parts.
import type { ManifestItem } from '../manifest/columns.ts';
import { urlOf } from '../manifest/web-source.ts';
import { isHostCovered } from '../text/host-name.ts';
import { MAX_SOURCE_BYTES } from './https/answers.ts';
import type { WebRead } from './https/body.ts';
import { createWebClient, hostNotAllowed } from './https/client.ts';
import { createWebTransfers } from './https/transfer.ts';
import type { Source } from './source.ts';

export const https: Source = {
  check({ source = '' }, { hosts = [] }) {
    const { hostname } = urlOf(source);
    if (isHostCovered(hostname, hosts)) return undefined;
    return { code: 'SourceNotAllowed', message: hostNotAllowed(hostname) };
  },
  createWriter({ s3, clock, web = { hosts: [] } }) {
    const { hosts, mostBytes = MAX_SOURCE_BYTES, ...more } = web;
    const transfers = createWebTransfers({ s3, clock }, createWebClient({ clock, ...more }, hosts));
    return { begin: (item) => transfers.writerOf({ ...readOf(item), mostBytes }) };
  },
};

function readOf({ source = '', size, source_etag }: ManifestItem): Omit<WebRead, 'mostBytes'> {
  return { url: urlOf(source), expected: { sizeBytes: size, etag: source_etag } };
}
