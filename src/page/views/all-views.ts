// All views by the first part of their route, in the order of the navigation.
import type { View } from '../view.js';
import { audit } from './audit.js';
import { clients } from './clients.js';
import { fleet } from './fleet.js';
import { idLists } from './id-lists.js';
import { logEvents } from './log-events.js';
import { oneSpec } from './one-spec.js';
import { overview } from './overview.js';
import { settings } from './settings.js';

export const VIEWS: ReadonlyMap<string, View> = new Map([
  ['', overview],
  ['clients', clients],
  ['fleet', fleet],
  ['log-events', logEvents],
  ['id-lists', idLists],
  ['settings', settings],
  ['audit', audit],
]);

/** Without a place in the navigation: it is of one spec. */
export const SPEC_VIEW = { name: 'spec', view: oneSpec } as const;
