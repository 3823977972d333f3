// Settings of what is held and how often it is asked for.
import { PINNED_PAYLOADS } from './pinned-keys.js';
import { ANY_TEXT, SECONDS, integer, text, toggle } from './setting-rows.js';

const PAYLOAD = `(?:${PINNED_PAYLOADS.join('|')})`;

export const specSettings = {
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
  sdkKeysFile: text({
    ...ANY_TEXT,
    flag: 'sdk-keys-file',
    env: 'SFP_SDK_KEYS_FILE',
    default: '',
    unit: 'file',
    help: 'file of pinned SDK keys, one a line, # for comments; fetched at start, never dropped, read again on SIGHUP',
  }),
  sdkKeys: text({
    ...ANY_TEXT,
    isSecret: true,
    flag: 'sdk-keys',
    env: 'SFP_SDK_KEYS',
    default: '',
    unit: 'keys',
    help: 'pinned SDK keys, separated by commas; better set by the variable, as a command line can be seen by others',
  }),
  pinnedPayloads: text({
    flag: 'pinned-payloads',
    env: 'SFP_PINNED_PAYLOADS',
    default: '',
    unit: 'names',
    pattern: new RegExp(`^(?:${PAYLOAD}(?:,${PAYLOAD})*)?$`),
    patternText: `names separated by commas, of ${PINNED_PAYLOADS.join(', ')}`,
    help: 'what of each pinned key is asked for once an interval though no client asks this proxy for it: what SDKs read from Redis',
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
} as const;
