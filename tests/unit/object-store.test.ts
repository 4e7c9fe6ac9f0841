// Objects of the embedded S3 that are older than their bucket's versions.
import { expect, it } from 'vitest';
import { ObjectStore } from '../../local/aws/s3/object-store.ts';
import { systemClock } from '../../shared/time/clock.ts';

const PLACE = { bucket: 'b', key: 'k' };

it.each([undefined, 'null'])('touches such an object when it is read with version id %s', (versionId) => {
  const objects = new ObjectStore(systemClock);
  objects.addBucket('b');
  const object = objects.putObject('b', 'k', Buffer.from('x'));
  objects.setVersioned('b');
  expect(objects.read({ ...PLACE, versionId })).toBe(object);
  expect(objects.takeTouched()).toEqual({ ...PLACE, object });
  expect(() => objects.read({ ...PLACE, versionId: 'other' })).toThrow('The specified version');
  objects.deleteObject('b', 'k');
  expect(() => objects.read({ ...PLACE, versionId })).toThrow('The specified key does not exist');
});
