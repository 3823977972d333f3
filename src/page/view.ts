// What a view is: it asks the API for what its route names, and returns what to show.
import type { Api } from './api.js';
import type { Status } from './api-answers.js';
import type { PageClock } from './clock.js';
import type { Diffs } from './diffs.js';
import type { Child } from './element.js';
import type { HoldDialog } from './parts/hold-dialog.js';
import type { KeyNames } from './key-names.js';
import type { Route } from './router.js';
import type { Trials } from './trials.js';

export interface ViewContext {
  readonly api: Api;
  /** Asked for once at each refresh, for the frame around the view as well. */
  readonly status: Promise<Status>;
  readonly clock: PageClock;
  readonly route: Route;
  /** Aborts when another view is shown. */
  readonly signal: AbortSignal;
  readonly names: KeyNames;
  readonly diffs: Diffs;
  readonly trials: Trials;
  readonly holdDialog: HoldDialog;
  /** Shows the same view with this changed in its query. */
  readonly turnTo: (change: Readonly<Record<string, string>>) => void;
}

export interface View {
  /** Of the navigation and the browser's tab. */
  readonly title: string;
  /** Built anew at each refresh; what did not change in it stays as it is on the screen. Rejects with what the API refused. */
  readonly show: (context: ViewContext) => Promise<readonly Child[]>;
}
