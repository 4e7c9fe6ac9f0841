// The type that a key's ending says, in a job and in `put`.
import mime from 'mime';
import { describe, expect, it } from 'vitest';
import { contentTypeOf } from '../../cli/put/content-type.ts';
import { guessContentType, typedEndings } from '../../shared/attributes/content-type.ts';

describe('the type of a key', () => {
  it.each([
    ['site/index.html', 'text/html'],
    ['PHOTO.JPG', 'image/jpeg'],
    ['book.xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    ['page.html.gz', 'application/gzip'],
    ['html', undefined],
    ['.html', undefined],
    ['a.html/data', undefined],
    ['x.__proto__', undefined],
    ['x.constructor', undefined],
    ['', undefined],
  ])('%s is %s', (key, type) => {
    expect(guessContentType(key)).toBe(type);
  });

  it.each(typedEndings().map((ending) => [ending]))('of the ending %s is that of put', (ending) => {
    const type = mime.getType(`a.${ending}`);
    expect(type).not.toBeNull();
    expect(guessContentType(`a.${ending}`)).toBe(type);
    expect(contentTypeOf(`a.${ending}`, '')).toBe(type);
  });
});
