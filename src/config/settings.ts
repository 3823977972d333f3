// The table of settings: every option of the command line with its variable, default, unit and bounds.
import { accessSettings } from './access-settings.js';
import { cacheSettings } from './cache-settings.js';
import { idListSettings } from './id-list-settings.js';
import { logEventSettings } from './log-event-settings.js';
import { metricsSettings } from './metrics-settings.js';
import { processSettings } from './process-settings.js';
import { serverSettings } from './server-settings.js';
import { replaneSettings } from './replane-settings.js';
import { profilingSettings } from './profiling-settings.js';
import { remoteValueSettings } from './remote-value-settings.js';
import type { Setting, ValueOf } from './setting.js';
import { specSettings } from './spec-settings.js';
import { tlsSettings } from './tls-settings.js';
import { upstreamSettings } from './upstream-settings.js';
import { versionSettings } from './version-settings.js';

/** In the order of --help and of the documentation. */
export const settingGroups = [
  { title: 'Specs and SDK keys', settings: specSettings },
  { title: 'Origin', settings: upstreamSettings },
  { title: 'Ports and clients', settings: serverSettings },
  { title: 'TLS', settings: tlsSettings },
  { title: 'Access', settings: accessSettings },
  { title: 'Data directory and Redis', settings: cacheSettings },
  { title: 'Log events', settings: logEventSettings },
  { title: 'ID lists', settings: idListSettings },
  { title: 'Remote values', settings: remoteValueSettings },
  { title: 'Replane', settings: replaneSettings },
  { title: 'Versions of specs, guard and audit', settings: versionSettings },
  { title: 'Metrics', settings: metricsSettings },
  { title: 'Profiles', settings: profilingSettings },
  { title: 'This process', settings: processSettings },
] as const satisfies readonly { readonly title: string; readonly settings: Record<string, Setting> }[];

export const settings = {
  ...specSettings,
  ...tlsSettings,
  ...accessSettings,
  ...upstreamSettings,
  ...serverSettings,
  ...cacheSettings,
  ...logEventSettings,
  ...idListSettings,
  ...remoteValueSettings,
  ...replaneSettings,
  ...versionSettings,
  ...metricsSettings,
  ...profilingSettings,
  ...processSettings,
} as const satisfies Record<string, Setting>;

export type SettingValues = {
  readonly [Name in keyof typeof settings]: ValueOf<(typeof settings)[Name]>;
};
