// One HTML page of sentences, tables and charts, whole in one file: it asks nothing of the network.
import { escapeXml } from './svg.ts';
import { FAINT_INK, FONT, GROUND, INK, RULE } from './theme.ts';

export interface Table {
  /** The first column is the row's name; the others are set to the right, as numbers are. */
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

export interface PageSection {
  heading?: string;
  /** Plain text; a paragraph each. */
  text?: string | readonly string[];
  /** Terms and what they are, after the text. */
  terms?: readonly { name: string; text: string }[];
  /** As lineChart, barChart and panelChart return it. */
  svg?: string;
  table?: Table;
}

export interface Page {
  title: string;
  sections: readonly PageSection[];
  /** How the page was made: the command, in the last line. */
  footer?: string;
}

export function htmlPage({ title, sections, footer }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeXml(title)}</h1>
${sections.map(sectionHtml).join('\n')}
${footer === undefined ? '' : `<footer>${escapeXml(footer)}</footer>\n`}</main>
</body>
</html>
`;
}

function sectionHtml({ heading, text = [], terms = [], svg, table }: PageSection): string {
  const paragraphs = typeof text === 'string' ? [text] : text;
  return [
    '<section>',
    ...(heading === undefined ? [] : [`<h2>${escapeXml(heading)}</h2>`]),
    ...paragraphs.map((paragraph) => `<p>${escapeXml(paragraph)}</p>`),
    ...(terms.length === 0 ? [] : [termsHtml(terms)]),
    ...(svg === undefined ? [] : [`<figure>${svg}</figure>`]),
    ...(table === undefined ? [] : [tableHtml(table)]),
    '</section>',
  ].join('\n');
}

function termsHtml(terms: readonly { name: string; text: string }[]): string {
  const items = terms.map(({ name, text }) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(text)}</dd>`);
  return `<dl>${items.join('\n')}</dl>`;
}

function tableHtml({ head, rows }: Table): string {
  const [name = '', ...others] = head;
  const cells = [
    `<th scope="col">${escapeXml(name)}</th>`,
    ...others.map((text) => `<th scope="col">${escapeXml(text)}</th>`),
  ];
  const body = rows.map(([first = '', ...rest]) => {
    const values = rest.map((text) => `<td>${escapeXml(text)}</td>`);
    return `<tr><th scope="row">${escapeXml(first)}</th>${values.join('')}</tr>`;
  });
  return `<div class="table"><table><thead><tr>${cells.join('')}</tr></thead>\n<tbody>${body.join('\n')}</tbody></table></div>`;
}

/** A GitHub table, for a document that a command writes. */
export function markdownTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

const STYLE = `
:root { color-scheme: light dark; --ink: ${INK.light}; --faint: ${FAINT_INK.light}; --rule: ${RULE.light}; --ground: ${GROUND.light}; }
@media (prefers-color-scheme: dark) {
  :root { --ink: ${INK.dark}; --faint: ${FAINT_INK.dark}; --rule: ${RULE.dark}; --ground: ${GROUND.dark}; }
}
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.6 ${FONT}; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.5rem 0 0.5rem; }
p { max-width: 44rem; margin: 0.5rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.35rem 1.25rem; max-width: 44rem; margin: 0.75rem 0; }
dt { font-weight: 600; }
dd { margin: 0; }
figure { margin: 1.25rem 0; border: 1px solid var(--rule); border-radius: 8px; overflow: hidden; }
figure svg { display: block; width: 100%; height: auto; }
.table { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; font-size: 0.94rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.55rem; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: bottom; }
th[scope=row], td { white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--faint); font-weight: 600; }
tbody th { font-weight: 600; }
footer { margin-top: 3rem; color: var(--faint); font-size: 0.9rem; }
`;
