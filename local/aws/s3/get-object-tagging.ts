// GetObjectTagging: the tags that an object was written with.
import { tagsIn } from './attribute-refusals.ts';
import { type ObjectAction, xmlAnswer } from './object-action.ts';
import { escapeXml, NAMESPACE } from './s3-answers.ts';
import { placeOf } from './s3-requests.ts';

export const getObjectTagging: ObjectAction = ({ objects }, { s3, request }) => {
  request.resume();
  const { tagging = '' } = objects.read(placeOf(s3));
  objects.takeTouched();
  const tags = tagsIn(tagging).map(
    ([name, value]) => `<Tag><Key>${escapeXml(name)}</Key><Value>${escapeXml(value)}</Value></Tag>`,
  );
  return xmlAnswer(`<Tagging ${NAMESPACE}><TagSet>${tags.join('')}</TagSet></Tagging>`);
};
