// TSV: rows with a header, between tabs. All other rules are CSV's (dialect.ts says why quotes too).
import type { ManifestFormat } from '../format.ts';
import { createSeparated } from './csv.ts';
import type { SeparatedHead } from './csv-header.ts';
import { TABS } from './dialect.ts';

export const tsv: ManifestFormat<SeparatedHead> = {
  ...createSeparated(TABS),
  name: 'tsv',
  endings: ['tsv', 'tab'],
  contentTypes: ['text/tab-separated-values'],
  saveAs: 'TSV with a header row',
  nameIt: '.tsv, with such a header row between tabs',
};
