// Numbers, sizes, ages and moments as people read them.

const [MINUTE_S, HOUR_S, DAY_S] = [60, 3_600, 86_400];

/** In its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < MINUTE_S) return `${s} s`;
  if (s < HOUR_S) return two(Math.floor(s / MINUTE_S), 'min', s % MINUTE_S, 's');
  if (s < DAY_S) return two(Math.floor(s / HOUR_S), 'h', Math.floor((s % HOUR_S) / MINUTE_S), 'min');
  return two(Math.floor(s / DAY_S), 'd', Math.floor((s % DAY_S) / HOUR_S), 'h');
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

const KILO = 1_000;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  while (value >= KILO && unit < UNITS.length - 1) {
    value /= KILO;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** With thin spaces between thousands. */
export function integer(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, '\u202f');
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${integer(count)} ${count === 1 ? one : many}`;
}

/** In the reader's time zone: the time of today, otherwise with its day. */
export function moment(ms: number, nowMs: number): string {
  const [at, now] = [new Date(ms), new Date(nowMs)];
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())} ${time}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
