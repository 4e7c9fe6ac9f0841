// What `spillway put` does where the system has no file descriptor left: it waits, and does with fewer.
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { limitSockets } from '../../cli/put/client.ts';
import { createDescriptors, type DescriptorLack } from '../../cli/put/descriptors.ts';
import { type Found, walkPaths } from '../../cli/put/walk.ts';
import { classifyFault } from '../../shared/aws/classify.ts';
import { createUplinkClient } from '../../shared/aws/clients.ts';
import { createRandom } from '../../shared/time/random.ts';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const lack = (code: string) => Object.assign(new Error(`${code}: too many open files`), { code });

function fixture(most = 100) {
  const clock = createVirtualClock();
  const limits: number[] = [];
  const lacks: DescriptorLack[] = [];
  const descriptors = createDescriptors(
    {
      clock,
      random: createRandom(7),
      limitSockets: (to) => limits.push(to),
      onLack: (each) => lacks.push(each),
    },
    most,
  );
  /** Opens after so many refusals. */
  const opening = (refusals: number, code = 'EMFILE') => {
    let tries = 0;
    return async () => {
      if (tries++ < refusals) throw lack(code);
      return 'open';
    };
  };
  return { clock, limits, lacks, descriptors, opening };
}

/** Holds so many at once, until it is told to let them go. */
function holdAll(budget: ReturnType<typeof fixture>['descriptors']['files'], count: number) {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held = Array.from({ length: count }, () => budget.hold(1, () => released));
  return async () => {
    release();
    await Promise.all(held);
  };
}

describe('a lack of file descriptors', () => {
  it.each(['EMFILE', 'ENFILE', 'ENOBUFS'])('by %s is waited for', async (code) => {
    const { clock, lacks, descriptors, opening } = fixture();
    const startedAtMs = clock.now();
    expect(await descriptors.open(opening(20, code), startedAtMs + 3_600_000)).toBe('open');
    expect(lacks).toHaveLength(20);
    expect(lacks[0]).toMatchObject({ code, message: expect.stringContaining('--concurrency') });
    const waitedMs = clock.now() - startedAtMs;
    expect(waitedMs).toBeGreaterThan(0);
    expect(waitedMs).toBeLessThanOrEqual(20 * 2_000);
  });

  it('is known by the cause of a file that could not be read', async () => {
    const { clock, descriptors, opening } = fixture();
    const open = opening(1);
    const wrapped = () =>
      open().catch((cause: unknown) => {
        throw new SourceFault('FileUnreadable', "can't be read (EMFILE)", cause);
      });
    expect(await descriptors.open(wrapped, clock.now() + 1_000)).toBe('open');
  });

  it('that lasts fails the file when its time is over, and names --concurrency', async () => {
    const { clock, descriptors, opening } = fixture();
    const giveUpAtMs = clock.now() + 60_000;
    await expect(descriptors.open(opening(Number.POSITIVE_INFINITY), giveUpAtMs)).rejects.toMatchObject({
      code: 'TooManyOpenFiles',
      message: expect.stringMatching(/lower --concurrency.*ulimit -n.*EMFILE/),
    });
    expect(clock.now()).toBe(giveUpAtMs);
  });

  it('is no reason to wait where something else is wrong', async () => {
    const { clock, lacks, descriptors } = fixture();
    const startedAtMs = clock.now();
    const denied = () => Promise.reject(lack('EACCES'));
    await expect(descriptors.open(denied, startedAtMs + 60_000)).rejects.toMatchObject({ code: 'EACCES' });
    expect(clock.now()).toBe(startedAtMs);
    expect(lacks).toEqual([]);
  });

  it('leaves three quarters of what was in use, once for all that it met', async () => {
    const { clock, limits, descriptors, opening } = fixture(100);
    const release = holdAll(descriptors.requests, 40);
    await Promise.all(Array.from({ length: 10 }, () => descriptors.open(opening(1), clock.now() + 60_000)));
    expect(limits).toEqual([30]);
    await release();
    const again = holdAll(descriptors.files, 50);
    expect(descriptors.files.held()).toBe(30);
    await again();
  });

  it('leaves one at least, and is forgotten after a while', async () => {
    const { clock, limits, descriptors, opening } = fixture(4);
    const open = () => descriptors.open(opening(50), clock.now() + 3_600_000);
    await descriptors.files.hold(1, open);
    expect(limits.at(-1)).toBe(1);
    for (let waits = 0; waits < 3; waits++) {
      await clock.sleep(10_000);
      await descriptors.files.hold(1, async () => undefined);
    }
    expect(limits.slice(-3)).toEqual([2, 3, 4]);
    const release = holdAll(descriptors.files, 9);
    expect(descriptors.files.held()).toBe(4);
    await release();
  });

  it('cuts nothing where nothing is in use, but closes idle connections', async () => {
    const { clock, limits, descriptors, opening } = fixture(4);
    await descriptors.open(opening(1), clock.now() + 60_000);
    expect(limits).toEqual([4]);
  });

  it('of a socket is tried again as any lost connection, and says what to do', () => {
    const { limits, descriptors } = fixture();
    const fault = classifyFault(descriptors.requestFault(lack('EMFILE')));
    expect(fault).toMatchObject({ kind: 'transient', code: 'EMFILE' });
    expect(fault.message).toContain('lower --concurrency');
    expect(limits).toHaveLength(1);
    const other = lack('ECONNRESET');
    expect(descriptors.requestFault(other)).toBe(other);
  });
});

describe("put's walk", () => {
  it('waits for a descriptor for each folder, named, found or followed', async () => {
    const root = await folderOfTest();
    for (const name of ['in/a/b', 'out/c']) await mkdir(path.join(root, name), { recursive: true });
    for (const name of ['in/1', 'in/a/2', 'in/a/b/3', 'out/4', 'out/c/5'])
      await writeFile(path.join(root, name), name);
    await symlink(path.join(root, 'out'), path.join(root, 'in/z'));
    const { clock, lacks, descriptors } = fixture();
    // Each is refused twice, before it is opened for real.
    const opening = <Result>(open: () => Promise<Result>) => {
      let tries = 0;
      return descriptors.open(
        () => (tries++ < 2 ? Promise.reject(lack('EMFILE')) : open()),
        clock.now() + 3_600_000,
      );
    };
    const found: Found[] = [];
    for await (const each of walkPaths([path.join(root, 'in')], { followLinks: true, opening }))
      found.push(each);
    const keys = found.map((each) => (each.kind === 'file' ? each.key : each));
    expect(keys).toEqual(['1', 'a/2', 'a/b/3', 'z/4', 'z/c/5']);
    // The border of the named folder, and the names in five folders.
    expect(lacks).toHaveLength(2 * 6);
  });
});

describe('the connections to S3', () => {
  it('that are idle are closed where no more may be kept', async () => {
    const atOnce = 5;
    const waiting: ServerResponse[] = [];
    const sockets = new Set<Socket>();
    let close = (): void => undefined;
    const allClosed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const server = createServer((_request, response) => {
      // All are answered once all are there, so that each has a connection of its own.
      waiting.push(response);
      if (waiting.length === atOnce) for (const each of waiting) each.end();
    });
    server.keepAliveTimeout = 600_000;
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) close();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const s3 = createUplinkClient(
      {
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        region: 'us-east-1',
        credentials: { accessKeyId: 'a', secretAccessKey: 's' },
        forcePathStyle: true,
      },
      atOnce,
    );
    try {
      const ask = () => s3.send(new HeadBucketCommand({ Bucket: 'bucket' }));
      await Promise.all(Array.from({ length: atOnce }, ask));
      expect(sockets.size).toBe(atOnce);
      limitSockets(s3, atOnce);
      await allClosed;
    } finally {
      s3.destroy();
      server.close();
    }
  });
});
