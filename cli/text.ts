// How numbers and sizes are shown to people.

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 12,345 */
export function countText(value: number): string {
  return GROUPED.format(value);
}

/** `1 file`, `2,000 files` */
export function amountText(value: number, singular: string, plural = `${singular}s`): string {
  return `${countText(value)} ${value === 1 ? singular : plural}`;
}

/** 1.5 MiB */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? countText(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function dollarText(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

/** A name that control characters can't use to draw over the terminal. */
export function shownKey(key: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u001f\u007f-\u009f]/.test(key) ? JSON.stringify(key) : key;
}
