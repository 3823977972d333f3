// How something fares, as a word with a colour and a sign of its own: never by colour alone.
import type { OneSpec, Status } from '../api-answers.js';
import { h, svg } from '../element.js';

export type Tone = 'good' | 'warn' | 'bad' | 'held' | 'quiet';

/** In a square of 16. */
const SIGNS: Readonly<Record<Tone, string>> = {
  good: 'M3 8.5l3.2 3.2L13 5',
  warn: 'M8 2.5L14.5 13.5H1.5zM8 6.5v3.2M8 11.6v.2',
  bad: 'M4 4l8 8M12 4l-8 8',
  held: 'M5.5 3.5v9M10.5 3.5v9',
  quiet: 'M4 8h8',
};

export function sign(tone: Tone): SVGElement {
  return svg(
    'svg',
    { class: 'sign', viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: SIGNS[tone] }),
  );
}

export function badge(tone: Tone, text: string): HTMLElement {
  return h('span', { class: `badge ${tone}` }, sign(tone), text);
}

const STATES: Readonly<Record<OneSpec['state'], readonly [Tone, string]>> = {
  missing: ['bad', 'missing'],
  refused: ['bad', 'key refused'],
  failing: ['warn', 'polls fail'],
  held_back: ['held', 'update held back'],
  held: ['held', 'held'],
  returning: ['held', 'returning'],
  ok: ['good', 'ok'],
};

export function stateBadge({ state, hold }: Pick<OneSpec, 'state' | 'hold'>): HTMLElement {
  const [tone, text] = STATES[state];
  if (state !== 'held' || hold === null) return badge(tone, text);
  return badge(tone, hold.action === 'rollback' ? 'rolled back' : 'frozen');
}

export const VERDICT_TONES: Readonly<Record<Status['status'], Tone>> = {
  ok: 'good',
  degraded: 'warn',
  failing: 'bad',
};
