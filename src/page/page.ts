// Shows the view that the address names, and keeps it up to date: at events of the proxy, and every ten seconds or more while somebody looks.
import { Api, Refused } from './api.js';
import type { Status } from './api-answers.js';
import { PageClock, type Cancel } from './clock.js';
import { Diffs } from './diffs.js';
import { h, type Child } from './element.js';
import { EventFeed } from './event-feed.js';
import { Frame, verdictOf } from './frame.js';
import { inBackground } from './in-background.js';
import { KeyNames } from './key-names.js';
import { morph } from './morph.js';
import { HoldDialog } from './parts/hold-dialog.js';
import { SignIn } from './parts/sign-in.js';
import { ago, tick } from './parts/time.js';
import { readRoute, toHash, withQuery, type Route } from './router.js';
import { Trials } from './trials.js';
import type { View } from './view.js';
import { SPEC_VIEW, VIEWS } from './views/all-views.js';

/** Confirmations are no events, as there is one for each spec every ten seconds. */
const REFRESH_MS = 10_000;
/** All pages that are open ask two or three times a second together, however many they are; each before a confirmation looks stale. */
const REFRESH_MS_PER_PAGE = 400;
/** Events come in swarms. */
const GATHER_MS = 400;
const TICK_MS = 1_000;

export class Page {
  readonly #clock = new PageClock();
  readonly #api = new Api(this.#clock);
  readonly #names = new KeyNames(this.#api);
  readonly #diffs = new Diffs(this.#api);
  readonly #trials = new Trials(this.#api, () => {
    this.#refreshIn(0);
  });
  readonly #holdDialog = new HoldDialog(this.#api, () => {
    this.#refreshIn(0);
  });
  readonly #signIn = new SignIn((token) => {
    this.#useToken(token);
  });
  readonly #frame = new Frame({
    views: VIEWS,
    changeToken: () => {
      this.#signIn.open('Another token takes the place of the one that is used now.');
    },
  });
  readonly #feed = new EventFeed(this.#api, this.#clock, {
    event: () => {
      this.#refreshIn(GATHER_MS);
    },
    state: (state) => {
      this.#frame.showFeed(state);
    },
  });
  #route: Route = readRoute('');
  /** Aborts what is asked for the view that is shown. */
  #showing = new AbortController();
  /** When what is shown was true. */
  #shownAtMs = 0;
  #hasShown = false;
  #isAsking = false;
  #next: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  start(): void {
    this.#frame.mount(document.body, this.#holdDialog.element, this.#signIn.element);
    addEventListener('hashchange', () => {
      this.#open();
    });
    document.addEventListener('visibilitychange', () => {
      this.#look();
    });
    this.#open();
    this.#look();
    this.#tick();
  }

  /** Of the few connections that a browser makes to one host, pages that nobody sees take none. */
  #look(): void {
    if (document.hidden) {
      this.#feed.pause();
      return;
    }
    inBackground(this.#feed.connect());
    this.#refreshIn(0);
  }

  #tick(): void {
    tick(document, this.#clock);
    this.#clock.after(TICK_MS, () => {
      this.#tick();
    });
  }

  #useToken(token: string): void {
    this.#api.useToken(token);
    this.#open();
    this.#look();
  }

  /** Shows what the address names, from the top. */
  #open(): void {
    const route = readRoute(location.hash);
    const isSame = route.view === this.#route.view && route.rest.join('/') === this.#route.rest.join('/');
    this.#route = route;
    this.#showing.abort();
    this.#showing = new AbortController();
    this.#isAsking = false;
    this.#frame.showPlace(route.view === SPEC_VIEW.name ? '' : route.view);
    if (!isSame || this.#shownAtMs === 0) {
      this.#shownAtMs = 0;
      this.#frame.alert.replaceChildren();
      this.#frame.main.replaceChildren(h('p', { class: 'empty' }, 'Loading …'));
    }
    this.#refreshIn(0);
  }

  #turnTo(change: Readonly<Record<string, string>>): void {
    history.replaceState(null, '', `#${toHash(withQuery(this.#route, change))}`);
    this.#open();
  }

  /** Unless it is refreshed earlier. */
  #refreshIn(delayMs: number): void {
    const atMs = this.#clock.monotonicMs() + delayMs;
    if (this.#next !== undefined && this.#next.atMs <= atMs) return;
    this.#next?.cancel();
    const cancel = this.#clock.after(delayMs, () => {
      this.#next = undefined;
      inBackground(this.#refresh());
    });
    this.#next = { atMs, cancel };
  }

  async #refresh(): Promise<void> {
    // What changes meanwhile is asked for right after.
    if (this.#isAsking) this.#refreshIn(GATHER_MS);
    if (this.#isAsking || (document.hidden && this.#shownAtMs > 0)) return;
    this.#isAsking = true;
    const showing = this.#showing;
    const status = this.#api.status(showing.signal);
    const told = status.then(
      (known) => known,
      // The view says why, or does without: a token for one key sees no status.
      () => undefined,
    );
    const view = await this.#ask(viewOf(this.#route), status, showing.signal);
    if (showing.signal.aborted) return;
    this.#isAsking = false;
    const known = await told;
    this.#showStatus(known);
    if (view instanceof Refused) this.#showFault(view);
    else this.#showView(view);
    this.#refreshIn(Math.max(REFRESH_MS, (known?.openPages ?? 1) * REFRESH_MS_PER_PAGE));
  }

  async #ask(view: View, status: Promise<Status>, signal: AbortSignal): Promise<readonly Child[] | Refused> {
    try {
      return await view.show({
        api: this.#api,
        status,
        clock: this.#clock,
        route: this.#route,
        signal,
        names: this.#names,
        diffs: this.#diffs,
        trials: this.#trials,
        holdDialog: this.#holdDialog,
        turnTo: (change) => {
          this.#turnTo(change);
        },
      });
    } catch (error) {
      if (error instanceof Refused) return error;
      if (signal.aborted) return [];
      // A proxy of another release may answer with something else.
      reportError(error);
      return new Refused(0, 'page_fault', 'This page cannot show what the proxy answered: load it anew.');
    }
  }

  #showView(children: readonly Child[]): void {
    const isFirst = this.#shownAtMs === 0;
    this.#shownAtMs = this.#clock.nowMs();
    this.#frame.alert.replaceChildren();
    morph(this.#frame.main, h('main', { id: 'main', tabindex: -1 }, children));
    tick(this.#frame.main, this.#clock);
    // Where a link was followed that is gone now; a page that was just opened is read from its top.
    if (isFirst && this.#hasShown && document.activeElement === document.body)
      this.#frame.main.querySelector('h1')?.focus();
    this.#hasShown = true;
  }

  #showFault(fault: Refused): void {
    if (fault.asksForToken) this.#signIn.open(fault.message);
    const since = this.#shownAtMs > 0 && [' What is shown is from ', ago(this.#shownAtMs, this.#clock), '.'];
    const wanted = h('div', {}, h('p', {}, fault.message, since));
    morph(this.#frame.alert, h('div', { class: 'alert', role: 'alert' }, ...wanted.childNodes));
    if (this.#shownAtMs === 0)
      morph(
        this.#frame.main,
        h('main', { id: 'main', tabindex: -1 }, h('p', { class: 'empty' }, 'Nothing could be loaded yet.')),
      );
  }

  #showStatus(status: Status | undefined): void {
    this.#frame.showStatus(status);
    const { title } = viewOf(this.#route);
    document.title = [status && verdictOf(status), title, status?.instance ?? 'spec-forward-proxy']
      .filter((part) => part !== undefined && part !== 'ok')
      .join(' · ');
  }
}

function viewOf({ view }: Route): View {
  return view === SPEC_VIEW.name ? SPEC_VIEW.view : (VIEWS.get(view) ?? VIEWS.get('') ?? SPEC_VIEW.view);
}
