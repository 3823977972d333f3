// What stands around every view: the name of the replica, the verdict, the navigation, and whether the page is up to date.
import type { Status } from './api-answers.js';
import { h, link } from './element.js';
import type { FeedState } from './event-feed.js';
import { plural } from './format.js';
import { badge, VERDICT_TONES, type Tone } from './parts/badge.js';
import type { View } from './view.js';

interface FrameOptions {
  readonly views: ReadonlyMap<string, View>;
  /** Asks for a token. */
  readonly changeToken: () => void;
}

const FEED: Readonly<Record<FeedState, readonly [Tone, string]>> = {
  live: ['good', 'live'],
  connecting: ['warn', 'reconnecting'],
  denied: ['quiet', 'not live'],
};

export class Frame {
  readonly main = h('main', { id: 'main', tabindex: -1 });
  /** What could not be loaded, above the view. */
  readonly alert = h('div', { class: 'alert', role: 'alert' });
  readonly #views: ReadonlyMap<string, View>;
  readonly #verdict = link('/', { class: 'verdict' });
  readonly #instance = h('span', { class: 'instance faint' });
  readonly #feed = h('span', { class: 'feed' });
  readonly #token: HTMLElement;
  readonly #nav = h('nav', { 'aria-label': 'Views' });
  /** Read out when the verdict changes. */
  readonly #spoken = h('p', { class: 'unseen', role: 'status' });

  constructor({ views, changeToken }: FrameOptions) {
    this.#views = views;
    this.#token = h('button', { type: 'button', class: 'quiet', onclick: changeToken }, 'Token');
  }

  mount(body: HTMLElement, ...dialogs: readonly HTMLElement[]): void {
    const skip = h(
      'a',
      {
        class: 'skip',
        href: '#main',
        onclick: (event) => {
          // The address names the view.
          event.preventDefault();
          this.main.focus();
        },
      },
      'Skip to the content',
    );
    const brand = link('/', { class: 'brand' }, 'spec-forward-proxy');
    const state = h('div', { class: 'state' }, this.#verdict, this.#feed, this.#token);
    body.replaceChildren(
      skip,
      h('header', {}, h('div', { class: 'top' }, brand, this.#instance, state), this.#nav),
      this.alert,
      this.main,
      this.#spoken,
      ...dialogs,
    );
  }

  showPlace(view: string): void {
    this.#nav.replaceChildren(
      h(
        'ul',
        {},
        [...this.#views].map(([name, { title }]) =>
          h('li', {}, link(`/${name}`, { ...(name === view && { 'aria-current': 'page' }) }, title)),
        ),
      ),
    );
  }

  /** Undefined where it is not known. */
  showStatus(status: Status | undefined): void {
    if (status === undefined) {
      this.#verdict.replaceChildren();
      return;
    }
    const text = verdictOf(status);
    this.#instance.textContent = `${status.instance} · ${status.version}`;
    if (this.#verdict.textContent === text) return;
    this.#verdict.replaceChildren(badge(VERDICT_TONES[status.status], text));
    this.#spoken.textContent = `${status.instance}: ${text}`;
  }

  showFeed(state: FeedState): void {
    const [tone, text] = FEED[state];
    if (this.#feed.textContent !== text) this.#feed.replaceChildren(badge(tone, text));
  }
}

export function verdictOf({ status, problems }: Status): string {
  return status === 'ok' ? 'ok' : `${status}: ${plural(problems.length, 'problem')}`;
}
