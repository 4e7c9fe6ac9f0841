// The colours of the charts, each with its counterpart on a dark ground: a chart follows the reader's setting by itself.
//
// A chart is drawn in light colours. Its own style sheet exchanges them, by attribute, where dark is preferred; a viewer
// that knows no style sheets shows it light.

/** Drawn colour and, where dark is preferred, its counterpart. */
export const INK = { light: '#1f2329', dark: '#e7ebf0' };
export const FAINT_INK = { light: '#5b6470', dark: '#a3acb8' };
export const RULE = { light: '#dde1e6', dark: '#363d47' };
export const GROUND = { light: '#fffffe', dark: '#15191f' };

/** Of middling lightness, so that they stand on both grounds; apart for the colour-blind too (Okabe and Ito, adapted). */
export const SERIES = [
  '#2a7de1',
  '#e5711b',
  '#159a78',
  '#c2539f',
  '#b8860b',
  '#8a6fe8',
  '#d64545',
  '#3ea6c4',
] as const;

/** What S3 took, and what it refused. */
export const ACCEPTED = '#159a78';
export const REFUSED = '#e5711b';

export const FONT = 'system-ui, sans-serif';

const EXCHANGED = [INK, FAINT_INK, RULE, GROUND];

/** Rules for a chart, within the class that keeps them from the rest of a page. */
export function darkRules(className: string): string {
  const rules = EXCHANGED.map(
    ({ light, dark }) =>
      `.${className} [fill="${light}"]{fill:${dark}}.${className} [stroke="${light}"]{stroke:${dark}}`,
  );
  return `@media (prefers-color-scheme: dark){${rules.join('')}}`;
}
