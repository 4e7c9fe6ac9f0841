// Makes the characters of a text visible that have no shape of their own: they hide, reorder, or steer a terminal.
//
//   Cc      control characters: C0 with TAB, LF and CR, DEL, and C1
//   Cf      format characters: bidirectional controls, zero-width characters, soft hyphen, tags
//   Zl Zp   line and paragraph separators
//   Zs      spaces other than the ordinary one, which look like it; and the blank Braille pattern
//   Cs      surrogates without their other half
//   others  characters that Unicode calls default ignorable, such as variation selectors, and noncharacters

import { unicodeSet } from './unicode-set.ts';

const unseen = unicodeSet(
  String.raw`[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]--[ ]]`,
  'gv',
);

/**
 * The text with each such character as JSON would escape it, `\u001b`, a surrogate pair as two. All others stay, the
 * backslash too, so a second pass changes nothing. In JSON the values stay the same.
 */
export function visibleText(text: string): string {
  return text.replace(unseen(), escaped);
}

/** As a string of JSON. Otherwise a name with a zero-width space would look like the right one. */
export function quoted(text: string): string {
  return visibleText(JSON.stringify(text));
}

/** The same for a text of several lines: its line feeds stay. */
export function visibleLines(text: string): string {
  return text.replace(unseen(), (found) => (found === '\n' ? found : escaped(found)));
}

function escaped(character: string): string {
  let escapes = '';
  for (let at = 0; at < character.length; at++) {
    escapes += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return escapes;
}
