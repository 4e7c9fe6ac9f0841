// A copy in parts against the embedded S3 and against moto, an S3 that others wrote: the same bytes, headers, metadata and tags.
import {
  CreateBucketCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchBounds } from '../../shared/pacing/retry.ts';
import { createItemWriter } from '../../shared/sources/table.ts';
import { steadyClock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import { transferOne } from '../../shared/transfer/engine.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';
import { type Embedded, startEmbedded } from '../helpers/embedded.ts';
import { hasMoto, type MotoServer, motoNote, startMoto } from '../helpers/moto-server.ts';

const PART_BYTES = 5 * 1024 ** 2;
/** Each part has other bytes: the pattern's length divides no part's. */
const LARGE = Buffer.alloc(2 * PART_BYTES + 123, 'a pattern of some prime length of bytes: 53, no less.');
const SOURCE = 'parts-source';
const DESTINATION = 'parts-destination';
/** Ample for a machine that does much else. */
const MOST_MS = 300_000;

let embedded: Embedded | undefined;
let moto: MotoServer | undefined;
const clients = new Map<string, S3Client>();

beforeAll(async () => {
  if (!hasMoto) return;
  embedded = await startEmbedded({
    buckets: [SOURCE, DESTINATION].map((name) => ({ name, versioned: false, throttled: false })),
  });
  moto = await startMoto();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const ofMoto = new S3Client({
    region: 'us-east-1',
    credentials,
    endpoint: moto.endpoint,
    forcePathStyle: true,
  });
  for (const Bucket of [SOURCE, DESTINATION]) await ofMoto.send(new CreateBucketCommand({ Bucket }));
  clients.set('moto', ofMoto);
  clients.set('embedded', embedded.s3);
}, MOST_MS);
afterAll(async () => {
  clients.get('moto')?.destroy();
  await moto?.stop();
  await embedded?.stop();
});

async function copyInParts(s3: S3Client, key: string, attributes: ObjectWrite['attributes']) {
  await s3.send(
    new PutObjectCommand({
      Bucket: SOURCE,
      Key: key,
      Body: LARGE,
      ContentType: 'image/tiff',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment',
      ContentLanguage: 'de',
      Metadata: { owner: 'web', empty: '' },
      Tagging: 'team=a%20b&kind=x',
    }),
  );
  const write: ObjectWrite = {
    destination: { bucket: DESTINATION, key },
    ifExists: 'overwrite',
    ...(attributes === undefined ? {} : { attributes }),
  };
  const items = createItemWriter({ s3, clock: steadyClock, copies: { inPartsAboveBytes: PART_BYTES } });
  const { end } = await transferOne(
    {
      rateLimiter: {
        groupOf: (bucket) => bucket,
        pass: async () => ({ kind: 'passed' }),
        observe: () => undefined,
      },
      clock: steadyClock,
      random: createRandom(3),
    },
    {
      write,
      writer: await items.begin({ key, source: `s3://${SOURCE}/${key}`, size: LARGE.length }, write),
      giveUpAtMs: steadyClock.now() + MOST_MS,
      givenBack: 0,
      wasTried: false,
      mayBeWritten: false,
    },
    { ...batchBounds(1, steadyClock.now() + MOST_MS), cutOff: new AbortController().signal },
  );
  const at = { Bucket: DESTINATION, Key: key };
  const object = await s3.send(new GetObjectCommand(at));
  const bytes = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
  const { TagSet = [] } = await s3.send(new GetObjectTaggingCommand(at));
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: DESTINATION }));
  return {
    end: end.kind,
    isSame: bytes.equals(LARGE),
    etag: object.ETag,
    contentType: object.ContentType,
    cacheControl: object.CacheControl,
    contentDisposition: object.ContentDisposition,
    contentLanguage: object.ContentLanguage,
    metadata: object.Metadata,
    tags: Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value])),
    openUploads: Uploads.length,
  };
}

const KEPT = { team: 'a b', kind: 'x' };
const CASES: [string, string, ObjectWrite['attributes'], object][] = [
  ['with all that its source has', 'kept/a b+ü.tif', undefined, { contentType: 'image/tiff', tags: KEPT }],
  [
    'with what its row sets',
    'set/a',
    { contentType: 'text/plain', metadata: new Map([['by', 'row']]), tags: new Map([['only', 'this']]) },
    { contentType: 'text/plain', tags: { only: 'this' } },
  ],
];

it.skipIf(!hasMoto).each(CASES)(
  `a copy in parts is the same on both, %s${motoNote}`,
  { timeout: MOST_MS },
  async (_, key, attributes, wanted) => {
    const copies = await Promise.all(
      ['embedded', 'moto'].map((name) => copyInParts(clients.get(name) as S3Client, key, attributes)),
    );
    const [ours, others] = copies;
    expect(ours).toEqual(others);
    // Three parts: the MD5 of their MD5s.
    const common = { end: 'stored', isSame: true, etag: expect.stringMatching(/-3"$/), openUploads: 0 };
    expect(ours).toMatchObject({ ...common, ...wanted });
  },
);
