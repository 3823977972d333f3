// Google's variables: those that are read where profiles may be sent to Google Cloud, and what they may hold.
import type { ForeignVariable } from './setting.js';
import { ANY_TEXT } from './setting-rows.js';

const TEXT = { kind: 'text', unit: 'text' } as const;
const PROJECT = { ...TEXT, pattern: /^[\w.:-]{1,100}$/, patternText: 'the id of a project' } as const;
/** What Cloud Profiler takes. */
const SERVICE = {
  ...TEXT,
  pattern: /^[a-z0-9](?:[-a-z0-9_.]{0,253}[a-z0-9])?$/,
  patternText: 'lower-case letters, digits, and - _ . between them',
} as const;
const VERSION = {
  ...TEXT,
  pattern: /^[\w.-]{1,100}$/,
  patternText: 'up to 100 letters, digits and - _ .',
} as const;

export const googleVariables = {
  GOOGLE_CLOUD_PROJECT: {
    rule: PROJECT,
    default: 'the project of the credentials',
    help: 'the project that gets the profiles',
  },
  GCP_PROJECT: { rule: PROJECT, default: '', help: 'the same, where that one is not set' },
  GCLOUD_PROJECT: { rule: PROJECT, default: '', help: 'the same, where neither is set' },
  GOOGLE_APPLICATION_CREDENTIALS: {
    rule: { ...TEXT, ...ANY_TEXT, patternText: 'the path of a JSON file' },
    default: "the machine's service account",
    help: 'key of a service account, read anew for each token; needs the role `roles/cloudprofiler.agent`',
  },
  GCE_METADATA_HOST: {
    rule: {
      ...TEXT,
      pattern: /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/,
      patternText: 'a host, and perhaps a port',
    },
    default: '`metadata.google.internal`',
    help: 'the metadata server, which is asked without an outbound proxy',
  },
  CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDPROFILER: {
    rule: { kind: 'url', unit: 'url' },
    default: '`https://cloudprofiler.googleapis.com/`',
    help: 'where Cloud Profiler is asked: https://, but for one of this machine',
  },
  K_SERVICE: {
    rule: SERVICE,
    default: '`spec-forward-proxy`',
    help: 'the service that profiles belong to; set by Cloud Run',
  },
  GAE_SERVICE: { rule: SERVICE, default: '', help: 'the same; set by App Engine' },
  K_REVISION: {
    rule: VERSION,
    default: '`DD_VERSION`, or the release of this program',
    help: 'its version; set by Cloud Run',
  },
  GAE_VERSION: { rule: VERSION, default: '', help: 'the same; set by App Engine' },
} as const satisfies Record<string, ForeignVariable>;
