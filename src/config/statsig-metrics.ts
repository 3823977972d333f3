// Which project of Statsig gets metrics as log events, and what they say of this process.
import { isValidSdkKey, SDK_KEY_RULE } from '../domain/sdk-key.js';
import type { SettingValues } from './settings.js';

export interface StatsigMetrics {
  readonly sdkKey: string;
  readonly customIds: Readonly<Record<string, string>>;
}

type Values = Pick<SettingValues, 'statsigLogging' | 'statsigLoggingTags' | 'statsigServerSdkKey'>;

/** Undefined where nobody asked for them. As in SFP, tags replace the pod's name, and name variables. */
export function readStatsigMetrics(
  values: Values,
  env: Readonly<Record<string, string | undefined>>,
): { readonly statsigMetrics: StatsigMetrics | undefined; readonly faults: readonly string[] } {
  const sdkKey = values.statsigServerSdkKey;
  if (!values.statsigLogging) return { statsigMetrics: undefined, faults: [] };
  const faults: string[] = [];
  if (sdkKey === '') {
    faults.push(
      '--statsig-logging needs STATSIG_SERVER_SDK_KEY: the key of the project that gets the events',
    );
  } else if (!isValidSdkKey(sdkKey)) {
    faults.push(`STATSIG_SERVER_SDK_KEY is not a valid SDK key: SDK keys must be ${SDK_KEY_RULE}`);
  }
  const pairs = values.statsigLoggingTags.split(',').filter((pair) => pair !== '');
  const tags = pairs.map((pair) => {
    const [name = '', variable = ''] = pair.split(':');
    return [name, env[variable] ?? 'empty'] as const;
  });
  const customIds =
    tags.length > 0 ? Object.fromEntries(tags) : { podID: env['HOSTNAME'] ?? 'no_hostname_provided' };
  return { statsigMetrics: { sdkKey, customIds }, faults };
}
