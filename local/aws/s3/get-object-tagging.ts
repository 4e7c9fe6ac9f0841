// GetObjectTagging: the tags that an object was written with.
import { tagsIn } from './attribute-refusals.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { escapeXml } from './s3-answers.ts';
import { asStored } from './stored-object.ts';
import { keyWithVersion } from './versions.ts';

export const getObjectTagging: ObjectAction = ({ objects }, { s3: { bucket, key, query }, request }) => {
  request.resume();
  const versionId = query.get('versionId');
  const { tagging = '' } = asStored(
    objects.getObject(bucket, versionId === null ? key : keyWithVersion(key, versionId)),
  );
  objects.takeTouched();
  const tags = tagsIn(tagging).map(
    ([name, value]) => `<Tag><Key>${escapeXml(name)}</Key><Value>${escapeXml(value)}</Value></Tag>`,
  );
  return xmlAnswer(
    `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>${tags.join('')}</TagSet></Tagging>`,
  );
};
