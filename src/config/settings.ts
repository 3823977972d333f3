// The table of settings: every option of the command line with its variable, default, unit and bounds.
import { processSettings } from './process-settings.js';
import { serverSettings } from './server-settings.js';
import type { Setting } from './setting.js';
import { specSettings } from './spec-settings.js';
import { upstreamSettings } from './upstream-settings.js';

/** In the order of --help and of the documentation. */
export const settings = {
  ...specSettings,
  ...serverSettings,
  ...upstreamSettings,
  ...processSettings,
} as const satisfies Record<string, Setting>;
