// Settings of Replane: where its server is, and how often all that it has is read again.
import { SECONDS, integer, text } from './setting-rows.js';

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
} as const;
