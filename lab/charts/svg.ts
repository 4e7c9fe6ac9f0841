// Turns a drawing of echarts into a picture that stands alone: named for screen readers, light or dark by itself, the same bytes
// for the same chart, and without effect on other charts of its page.
import { darkRules } from './theme.ts';

/** Rules of a chart hold within this class, also where several are in one page. */
const CLASS = 'spillway-chart';

export function selfContained(
  svg: string,
  { title, subtitle }: { title: string; subtitle?: string },
): string {
  const id = idOf(title);
  const description = subtitle === undefined ? '' : `<desc>${escapeXml(subtitle)}</desc>`;
  return (
    svg
      // Hover rules and marks for a script that there is none of.
      .replace(/<style\s*>[\s\S]*?<\/style>/g, '')
      .replace(/ class="zr\d+-cls-\d+"/g, '')
      .replace(/ ecmeta_\w+="[^"]*"/g, '')
      // Numbered by process: two charts of a page, or two runs, would differ for no reason.
      .replace(/\bzr\d+-/g, `${id}-`)
      .replace(/<svg ([^>]*)>/, (_, attributes: string) => {
        const flexible = attributes.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', '');
        return (
          `<svg class="${CLASS}" role="img" ${flexible}>\n` +
          `<title>${escapeXml(title)}</title>${description}\n<style>${darkRules(CLASS)}</style>`
        );
      })
  );
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function idOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .replace(/^(?=\d)/, 'c');
}
