// The object is on the web: it is read through this process, from hosts that the deployment allows and addresses of the public
// internet alone, and written by PutObject or in parts.
import { urlOf } from '../manifest/web-source.ts';
import { hostRefusal } from './https/allowed-host.ts';
import type { Source } from './source.ts';

export const https: Source = {
  check({ source = '' }, { hosts = [] }) {
    const message = hostRefusal(urlOf(source).hostname, hosts);
    return message === undefined ? undefined : { code: 'SourceNotAllowed', message };
  },
  createWriter: async (dependencies) => (await import('./late-writers.ts')).lateWriters.web(dependencies),
};
