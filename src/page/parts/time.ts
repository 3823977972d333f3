// Moments and ages: each is a <time> element that says the exact moment too; ages go on by themselves.
import { h } from '../element.js';
import { duration, moment } from '../format.js';
import type { PageClock } from '../clock.js';

const AGE = 'data-age-of';
/** An age that only just began would flicker between "now" and "1 s ago". */
const NOW_S = 2;

/** "3 min 20 s ago". */
export function ago(ms: number, clock: PageClock): HTMLElement {
  return h(
    'time',
    { [AGE]: ms, datetime: iso(ms), title: `${moment(ms, clock.nowMs())} · ${iso(ms)}` },
    agoText(ms, clock.nowMs()),
  );
}

/** For ages that the API gives in seconds. */
export function agoS(seconds: number, clock: PageClock): HTMLElement {
  // In whole seconds: an answer that says the same again changes nothing.
  return ago(Math.round(clock.nowMs() / 1000 - seconds) * 1000, clock);
}

/** "09:14:03", with the day where it is not today. */
export function at(ms: number, clock: PageClock): HTMLElement {
  return h('time', { datetime: iso(ms), title: iso(ms) }, moment(ms, clock.nowMs()));
}

/** Of a member of an answer that may be null. */
export function atIso(text: string | null, clock: PageClock): HTMLElement | string {
  return text === null ? '–' : at(Date.parse(text), clock);
}

export function agoIso(text: string | null, clock: PageClock): HTMLElement | string {
  return text === null ? '–' : ago(Date.parse(text), clock);
}

/** To be called every second. */
export function tick(root: ParentNode, clock: PageClock): void {
  const nowMs = clock.nowMs();
  for (const element of root.querySelectorAll(`[${AGE}]`)) {
    const text = agoText(Number(element.getAttribute(AGE)), nowMs);
    if (element.textContent !== text) element.textContent = text;
  }
}

function agoText(ms: number, nowMs: number): string {
  const seconds = (nowMs - ms) / 1000;
  if (seconds < -NOW_S) return `in ${duration(-seconds)}`;
  return seconds < NOW_S ? 'now' : `${duration(seconds)} ago`;
}

function iso(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}
