// How numbers, sizes and times are shown to people.

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 12,345. Without Intl, whose first use takes 10 ms of every start. */
export function countText(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `2,000 files` */
export function amountText(value: number, singular: string): string {
  return `${countText(value)} ${singular}${value === 1 ? '' : 's'}`;
}

/** `3 failed` of each count above zero */
export function countTexts(counts: Readonly<Record<string, number | undefined>>): string[] {
  return Object.entries(counts).flatMap(([name, count = 0]) =>
    count > 0 ? `${countText(count)} ${name}` : [],
  );
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

/** 45 s, 3 min, 2 h 5 min, 3 d 4 h: two units at most, for durations too long to read in seconds. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
  const days = Math.floor(hours / 24);
  return `${countText(days)} d${hours % 24 === 0 ? '' : ` ${hours % 24} h`}`;
}

/** 2026-11-24 18:05:59 UTC, of an ISO time */
export function timeText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}
