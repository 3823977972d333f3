// What SFP 4.2 to 4.5 read and this proxy does not: options without effect, variables that are ignored, and those that are refused.
import type { Variables } from './variables.js';

export interface IdleOption {
  /** Its names, without dashes; the first one is shown. */
  readonly flags: readonly string[];
  /** Of its value; undefined for a switch. */
  readonly unit?: string;
  /** Why it has no effect, as the end of a sentence. */
  readonly instead: string;
}

const NO_DELTAS =
  'deltas are not fetched; they are made here of the versions held, for SDKs that ask for them, without an option';

/** They are accepted, so that a command line written for SFP starts; a line says what is done instead. */
export const IDLE_OPTIONS: readonly IdleOption[] = [
  {
    flags: ['background-poll-item-spacing-ms'],
    unit: 'ms',
    instead:
      'each spec is polled at an instant of its own, so that polls are spread over the interval anyway',
  },
  {
    flags: ['id-list-file-refresh-observer-enabled'],
    instead:
      'a file of an ID list that a client has asked for is copied, and fetched on as soon as its manifest says that it has grown',
  },
  { flags: ['deltas-background-loop-enabled'], instead: NO_DELTAS },
  { flags: ['deltas-background-loop-sleep-time-in-s'], unit: 's', instead: NO_DELTAS },
  { flags: ['deltas-num-responses-to-persist'], unit: 'responses', instead: NO_DELTAS },
];

/** A line of the log about an option that was typed. */
export function idleOptionNotice({ flags: [flag = ''], instead }: IdleOption): string {
  return `--${flag} has no effect: ${instead}`;
}

/** Of nginx, Rocket, Tokio and pools, which are not here; and the details of features that are off or refused. */
const IDLE_VARIABLE =
  /^(?:(?:PROXY_CACHE|NGINX|ROCKET|TOKIO|REDIS_CONNECTION_POOL|REDIS_OAUTH|DCS_BLOB_STORAGE)_\w+|REDIS_MEMORYSTORE|EVENT_CHANNEL_SIZE|STATSIG_ENDPOINT_DELTAS|RUST_(?:LOG|BACKTRACE))$/;

/** Lines of the log, for those who look for the cause of something. */
export function idleVariableNotices(variables: Variables): readonly string[] {
  return [...variables]
    .filter(([name]) => IDLE_VARIABLE.test(name))
    .map(([, { source }]) => `variable ${source} of statsig-forward-proxy is ignored: it has no effect here`);
}

/** Without these, a setting would be lost in silence that decides where specs come from, or how Redis is entered. */
export function faultsOfVariables(variables: Variables, usesRedis: boolean): readonly string[] {
  const faults: string[] = [];
  const blob = variables.get('ENABLE_BLOB_STORAGE_FOR_DOWNLOAD_CONFIG_SPECS');
  if (blob !== undefined && !/^\s*(?:false|0|no|off)\s*$/i.test(blob.text)) {
    faults.push(
      `${blob.source}: specs are not read from blob storage: unset it, and name an origin with --statsig-endpoint (STATSIG_ENDPOINT)`,
    );
  }
  const mode = variables.get('REDIS_AUTH_MODE');
  if (usesRedis && mode !== undefined && !/^\s*password\s*$/i.test(mode.text)) {
    const isOauth = /^\s*oauth\s*$/i.test(mode.text);
    const what = isOauth ? 'Redis is not entered with OAuth tokens' : "its value must be 'password'";
    faults.push(
      `${mode.source}: ${what}: unset it, and name a password with --redis-password-file (SFP_REDIS_PASSWORD_FILE)`,
    );
  }
  return faults;
}
