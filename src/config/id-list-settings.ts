// Settings of ID lists: where they come from, and what becomes of their files.
import { integer, SECONDS, text, toggle, url } from './setting-rows.js';

/** Empty, or with a host and perhaps a path; no query, as paths are put behind it. */
const PUBLIC_URL = {
  pattern: /^(?:$|https?:\/\/(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?(?:\/[\w.~!$&'()*+,;=:@%/-]*)?$)/,
  patternText: 'http:// or https://, a host, perhaps a port and a path',
  isUrl: true,
} as const;

export const idListSettings = {
  idListsStatsigEndpoint: url({
    isCommon: true,
    flag: 'id-lists-statsig-endpoint',
    env: 'ID_LISTS_STATSIG_ENDPOINT',
    default: 'https://statsigapi.net',
    help: 'origin of ID lists; where it is not set and --statsig-endpoint is, that one',
  }),
  statsigEndpointDownloadIdListFile: text({
    ...PUBLIC_URL,
    flag: 'statsig-endpoint-download-id-list-file',
    env: 'STATSIG_ENDPOINT_DOWNLOAD_ID_LIST_FILE',
    default: '',
    unit: 'url',
    help: 'base URL to fetch the files of ID lists from: /v1/download_id_list_file/<id> is put behind it, for the URLs of manifests with that path or /idlists/<id>; if not set, the hosts that manifests name',
  }),
  idListsPollingIntervalS: integer({
    ...SECONDS,
    flag: 'id-lists-polling-interval-in-s',
    env: 'SFP_ID_LISTS_POLLING_INTERVAL_IN_S',
    default: 60,
    min: 1,
    max: 86_400,
    help: 'how often the ID lists of a key are requested upstream, once a client has asked for them',
  }),
  publicUrl: text({
    ...PUBLIC_URL,
    flag: 'public-url',
    env: 'SFP_PUBLIC_URL',
    default: '',
    unit: 'url',
    help: 'base URL at which SDKs reach this proxy, for the URLs of ID lists; if not set, the host that a request names',
  }),
  disableIdListRewrite: toggle({
    flag: 'disable-id-list-rewrite',
    env: 'SFP_DISABLE_ID_LIST_REWRITE',
    help: 'leave the URLs of ID lists as they are: SDKs fetch the files from the hosts that these name',
  }),
  idListFilesMaxMib: integer({
    flag: 'id-list-files-max-in-mib',
    env: 'SFP_ID_LIST_FILES_MAX_IN_MIB',
    default: 256,
    min: 0,
    max: 1_048_576,
    unit: 'MiB',
    help: 'copies of ID list files, in memory, or on disk with --data-dir; what does not fit is passed through; 0 keeps none',
  }),
} as const;
