// Whether profiles may be sent to Google Cloud, and by which of Google's variables.
import { googleVariables } from './google-variables.js';
import { boundsText, parseSetting } from './setting.js';
import type { SettingValues } from './settings.js';
import type { StatsigProject } from './statsig-projects.js';
import { isReadableOnTheWay } from './url-safety.js';
import type { Variables } from './variables.js';

export interface GoogleConfig {
  /** Undefined where credentials or the machine name it. */
  readonly projectId: string | undefined;
  /** Undefined for the machine's own. */
  readonly credentialsFile: string | undefined;
  readonly metadataHost: string;
  readonly endpoint: URL;
  readonly service: string;
  /** Undefined for this program's release. */
  readonly version: string | undefined;
}

export interface ProfilingConfig {
  /** Undefined where nothing is ever sent. */
  readonly google: GoogleConfig | undefined;
  /** Whose gate switches it on and off; undefined where it is on for good, or off. */
  readonly gateProject: StatsigProject | undefined;
}

type Values = Pick<SettingValues, 'forceGcpProfilingEnabled' | 'ddVersion'>;

/** These variables may be there for other programs: one that cannot be used is left out with a notice. */
export function readProfiling(
  values: Values,
  gateProject: StatsigProject | undefined,
  variables: Variables,
): { readonly profiling: ProfilingConfig; readonly notices: readonly string[] } {
  if (!values.forceGcpProfilingEnabled && gateProject === undefined) {
    return { profiling: { google: undefined, gateProject }, notices: [] };
  }
  const notices: string[] = [];
  const given = (name: keyof typeof googleVariables): unknown => {
    const variable = variables.get(name);
    if (variable === undefined) return undefined;
    const { rule } = googleVariables[name];
    try {
      const value = parseSetting(rule, variable.text);
      if (!(value instanceof URL) || !isReadableOnTheWay(value.href)) return value;
    } catch {
      // The notice says what it must be.
    }
    const must = rule.kind === 'url' ? 'https://, or http:// of this machine' : boundsText(rule);
    notices.push(`variable ${variable.source} is ignored: it must be ${must}`);
    return undefined;
  };
  const text = (...names: (keyof typeof googleVariables)[]): string | undefined =>
    names.map(given).find((value) => value !== undefined) as string | undefined;
  const google: GoogleConfig = {
    projectId: text('GOOGLE_CLOUD_PROJECT', 'GCP_PROJECT', 'GCLOUD_PROJECT'),
    credentialsFile: text('GOOGLE_APPLICATION_CREDENTIALS'),
    metadataHost: text('GCE_METADATA_HOST') ?? 'metadata.google.internal',
    endpoint: baseOf(given('CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDPROFILER') as URL | undefined),
    service: text('K_SERVICE', 'GAE_SERVICE') ?? 'spec-forward-proxy',
    version: text('K_REVISION', 'GAE_VERSION') ?? (values.ddVersion === '' ? undefined : values.ddVersion),
  };
  return { profiling: { google, gateProject }, notices };
}

/** Paths are looked for below it. */
function baseOf(given: URL | undefined): URL {
  if (given === undefined) return new URL('https://cloudprofiler.googleapis.com/');
  return given.pathname.endsWith('/') ? given : new URL(`${given.href}/`);
}
