// The pieces that views are made of: sections with headings, lists of facts, and notes.
import { h, type Child } from '../element.js';

/** Its title is its key: a section that comes to stand before it takes nothing of what was typed in it. */
export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return h('section', { 'aria-label': title, 'data-key': title }, h('h2', {}, title), children);
}

/** The view's own heading; `more` stands beside it. */
export function heading(title: Child, ...more: readonly Child[]): HTMLElement {
  return h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, title), more);
}

/** Without those whose value is missing. */
export function facts(...rows: readonly (readonly [string, Child])[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    rows
      .filter(([, value]) => value !== undefined && value !== null && value !== false)
      .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
}

export function note(text: string): HTMLElement {
  return h('p', { class: 'note' }, text);
}
