// Which project of Statsig the proxy itself belongs to, what it calls itself there, and whether its metrics go there as log events.
import { isValidSdkKey, SDK_KEY_RULE } from '../domain/sdk-key.js';
import type { SettingValues } from './settings.js';

export interface StatsigProject {
  readonly sdkKey: string;
  readonly customIds: Readonly<Record<string, string>>;
}

type Values = Pick<
  SettingValues,
  'statsigLogging' | 'statsigLoggingTags' | 'statsigServerSdkKey' | 'forceGcpProfilingEnabled'
>;

export interface StatsigProjects {
  /** What gets metrics; undefined where nobody asked for that. */
  readonly statsigMetrics: StatsigProject | undefined;
  /** Whose gate switches profiles on and off; undefined where that is decided already. */
  readonly gateProject: StatsigProject | undefined;
  readonly faults: readonly string[];
}

/** As in SFP, tags replace the pod's name, and name variables. */
export function readStatsigProjects(
  values: Values,
  env: Readonly<Record<string, string | undefined>>,
): StatsigProjects {
  const sdkKey = values.statsigServerSdkKey;
  const faults: string[] = [];
  if (sdkKey !== '' && !isValidSdkKey(sdkKey)) {
    faults.push(`STATSIG_SERVER_SDK_KEY is not a valid SDK key: SDK keys must be ${SDK_KEY_RULE}`);
  }
  if (sdkKey === '' && values.statsigLogging) {
    faults.push(
      '--statsig-logging needs STATSIG_SERVER_SDK_KEY: the key of the project that gets the events',
    );
  }
  const pairs = values.statsigLoggingTags.split(',').filter((pair) => pair !== '');
  const tags = pairs.map((pair) => {
    const [name = '', variable = ''] = pair.split(':');
    return [name, env[variable] ?? 'empty'] as const;
  });
  const customIds =
    tags.length > 0 ? Object.fromEntries(tags) : { podID: env['HOSTNAME'] ?? 'no_hostname_provided' };
  return {
    statsigMetrics: values.statsigLogging ? { sdkKey, customIds } : undefined,
    gateProject: gateKeyOf(values) === undefined ? undefined : { sdkKey, customIds },
    faults,
  };
}

/** The SDK key of the project whose gate decides on profiles; undefined where there is none. */
export function gateKeyOf({
  forceGcpProfilingEnabled,
  statsigServerSdkKey,
}: Pick<Values, 'forceGcpProfilingEnabled' | 'statsigServerSdkKey'>): string | undefined {
  return forceGcpProfilingEnabled || statsigServerSdkKey === '' ? undefined : statsigServerSdkKey;
}
