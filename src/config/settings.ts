// The table of settings: every option of the command line with its variable, default, unit and bounds.
import type { IntegerSetting, Setting, SwitchSetting, TextSetting, UrlSetting } from './setting.js';

const ANY_TEXT = { pattern: /^[^\0]*$/s, patternText: 'any text' };
const PORT = { kind: 'integer', min: 0, max: 65_535, unit: 'port' } as const;
const SECONDS = { kind: 'integer', unit: 's' } as const;

export const settings = {
  maximumConcurrentSdkKeys: integer({
    flag: 'maximum-concurrent-sdk-keys',
    short: 'm',
    env: 'SFP_MAXIMUM_CONCURRENT_SDK_KEYS',
    default: 1000,
    min: 1,
    max: 1_000_000,
    unit: 'keys',
    help: 'SDK keys held at one time; the one asked for longest ago leaves first, pinned keys stay',
  }),
  pollingIntervalS: integer({
    ...SECONDS,
    flag: 'polling-interval-in-s',
    short: 'p',
    env: 'SFP_POLLING_INTERVAL_IN_S',
    default: 10,
    min: 1,
    max: 86_400,
    help: 'how often each spec is asked for upstream; up to ten times as long, at most 60 s, while that fails',
  }),
  updateBatchSize: integer({
    flag: 'update-batch-size',
    short: 'u',
    env: 'SFP_UPDATE_BATCH_SIZE',
    default: 64,
    min: 1,
    max: 10_000,
    unit: 'requests',
    help: 'polls in flight upstream at one time',
  }),
  coldFetchesMax: integer({
    flag: 'cold-fetches-max',
    env: 'SFP_COLD_FETCHES_MAX',
    default: 64,
    min: 1,
    max: 10_000,
    unit: 'requests',
    help: 'first fetches of specs nobody holds yet, in flight upstream at one time; more wait their turn',
  }),
  clearDatastoreOnUnauthorized: toggle({
    flag: 'clear-datastore-on-unauthorized',
    env: 'SFP_CLEAR_DATASTORE_ON_UNAUTHORIZED',
    help: 'drop a spec when the origin answers 401 or 403 for its key; off, the last good spec goes on being served',
  }),
  debugLogging: toggle({
    flag: 'debug-logging',
    env: 'SFP_DEBUG_LOGGING',
    help: 'add a log line with its latency for every event',
  }),
  host: text({
    flag: 'host',
    env: 'SFP_HOST',
    default: '0.0.0.0',
    unit: 'address',
    pattern: /^[0-9A-Za-z.:_-]+$/,
    patternText: 'an address or a host name',
    help: 'address the public ports listen on',
  }),
  httpPort: integer({
    ...PORT,
    flag: 'http-port',
    env: 'SFP_HTTP_PORT',
    default: 8000,
    help: 'port of the HTTP server; 0 takes a free one and logs it',
  }),
  adminHost: text({
    flag: 'admin-host',
    env: 'SFP_ADMIN_HOST',
    default: '127.0.0.1',
    unit: 'address',
    pattern: /^[0-9A-Za-z.:_-]+$/,
    patternText: 'an address or a host name',
    help: 'address the admin port listens on',
  }),
  adminPort: integer({
    ...PORT,
    flag: 'admin-port',
    env: 'SFP_ADMIN_PORT',
    default: 8001,
    help: 'port of the admin server (/status); 0 takes a free one and logs it',
  }),
  statsigEndpoint: url({
    flag: 'statsig-endpoint',
    env: 'STATSIG_ENDPOINT',
    default: 'https://api.statsigcdn.com',
    help: 'origin of config specs',
  }),
  sdkKeysFile: text({
    ...ANY_TEXT,
    flag: 'sdk-keys-file',
    env: 'SFP_SDK_KEYS_FILE',
    default: '',
    unit: 'file',
    help: 'file of pinned SDK keys, one a line, # for comments; fetched at start, polled for ever, read again on SIGHUP',
  }),
  sdkKeys: text({
    ...ANY_TEXT,
    flag: 'sdk-keys',
    env: 'SFP_SDK_KEYS',
    default: '',
    unit: 'keys',
    help: 'pinned SDK keys, separated by commas; better set by the variable, as a command line can be seen by others',
  }),
  httpConnectionPoolMaxIdlePerHost: integer({
    flag: 'http-connection-pool-max-idle-per-host',
    env: 'SFP_HTTP_CONNECTION_POOL_MAX_IDLE_PER_HOST',
    default: 10,
    min: 0,
    max: 10_000,
    unit: 'connections',
    help: 'connections to the origin kept open between requests; more are opened in a rush and closed after it',
  }),
  httpConnectTimeoutS: integer({
    ...SECONDS,
    flag: 'http-connect-timeout-in-s',
    env: 'SFP_HTTP_CONNECT_TIMEOUT_IN_S',
    default: 10,
    min: 1,
    max: 300,
    help: 'longest wait for a connection to the origin',
  }),
  httpReadTimeoutS: integer({
    ...SECONDS,
    flag: 'http-read-timeout-in-s',
    env: 'SFP_HTTP_READ_TIMEOUT_IN_S',
    default: 10,
    min: 1,
    max: 300,
    help: "longest wait for the origin's headers, and between two pieces of its body",
  }),
  httpRequestTimeoutS: integer({
    ...SECONDS,
    flag: 'http-request-timeout-in-s',
    env: 'SFP_HTTP_REQUEST_TIMEOUT_IN_S',
    default: 30,
    min: 1,
    // Clients that wait for a first fetch are cut off after 75 s without a byte.
    max: 60,
    help: "longest time for the origin's whole answer",
  }),
  httpKeepAliveTimeoutS: integer({
    ...SECONDS,
    flag: 'http-keep-alive-timeout-in-s',
    env: 'SFP_HTTP_KEEP_ALIVE_TIMEOUT_IN_S',
    default: 72,
    min: 1,
    max: 3600,
    help: "how long a client's idle connection stays open; longer than your load balancer keeps its own",
  }),
  httpConnectionsMax: integer({
    flag: 'http-connections-max',
    env: 'SFP_HTTP_CONNECTIONS_MAX',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    help: 'client connections open at one time; further ones are closed at once',
  }),
  specBodyMaxMib: integer({
    flag: 'spec-body-max-in-mib',
    env: 'SFP_SPEC_BODY_MAX_IN_MIB',
    default: 128,
    min: 1,
    max: 512,
    unit: 'MiB',
    help: 'largest spec that is accepted, after decompression; half of that as it travels',
  }),
  originCaFile: text({
    ...ANY_TEXT,
    flag: 'origin-ca-file',
    env: 'SFP_ORIGIN_CA_FILE',
    default: '',
    unit: 'file',
    help: 'PEM file of certificate authorities to trust besides the well-known ones',
  }),
  httpsProxy: text({
    flag: 'https-proxy',
    env: 'HTTPS_PROXY',
    default: '',
    unit: 'url',
    pattern: /^(?:$|https?:\/\/.+)/,
    patternText: 'an http:// or https:// URL',
    help: 'outbound proxy for https:// origins',
  }),
  httpProxy: text({
    flag: 'http-proxy',
    env: 'HTTP_PROXY',
    default: '',
    unit: 'url',
    pattern: /^(?:$|https?:\/\/.+)/,
    patternText: 'an http:// or https:// URL',
    help: 'outbound proxy for http:// origins',
  }),
  noProxy: text({
    ...ANY_TEXT,
    flag: 'no-proxy',
    env: 'NO_PROXY',
    default: '',
    unit: 'hosts',
    help: 'hosts to reach without an outbound proxy, separated by commas',
  }),
  instanceName: text({
    flag: 'instance-name',
    env: 'HOSTNAME',
    default: '',
    unit: 'name',
    pattern: /^[\x21-\x7e]{0,255}$/,
    patternText: 'up to 255 printable ASCII characters without spaces',
    help: "this replica's name, in x-sfp-hostname and in logs; its polls are timed by it; empty: the host's name",
  }),
} as const satisfies Record<string, Setting>;

function integer(row: Omit<IntegerSetting, 'kind'>): IntegerSetting {
  return { ...row, kind: 'integer' };
}

function toggle(row: Omit<SwitchSetting, 'kind' | 'default'>): SwitchSetting {
  return { ...row, kind: 'switch', default: false };
}

function text(row: Omit<TextSetting, 'kind'>): TextSetting {
  return { ...row, kind: 'text' };
}

function url(row: Omit<UrlSetting, 'kind' | 'unit'>): UrlSetting {
  return { ...row, kind: 'url', unit: 'url' };
}
