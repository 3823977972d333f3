// Settings of Replane: where its server is, and how often all that it has is read again, and how its own tests are answered.
import { SECONDS, integer, text, toggle } from './setting-rows.js';

export const replaneSettings = {
  replaneEndpoint: text({
    isCommon: true,
    flag: 'replane-endpoint',
    env: 'SFP_REPLANE_ENDPOINT',
    default: '',
    unit: 'url',
    pattern: /^(?:$|https?:\/\/(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?(?:\/[\w.~/-]*)?)$/,
    patternText: 'http:// or https:// with a host, and an optional port and path',
    isUrl: true,
    help: "server of Replane's configs, with the path that its SDKs would have in front of /api; empty: its SDKs are not served",
  }),
  replaneResyncIntervalS: integer({
    ...SECONDS,
    flag: 'replane-resync-interval-in-s',
    env: 'SFP_REPLANE_RESYNC_INTERVAL_IN_S',
    default: 60,
    min: 1,
    max: 86_400,
    help: 'how often all configs of a key are read again by a new stream: only so does anybody learn of configs that were deleted and of keys that were revoked',
  }),
  replaneTestingSync: toggle({
    flag: 'replane-testing-sync',
    env: 'SFP_REPLANE_TESTING_SYNC',
    help: "for Replane's own tests only: /api/sdk/v1/testing/sync is passed on to its server, and all configs of the key are read again",
  }),
} as const;
