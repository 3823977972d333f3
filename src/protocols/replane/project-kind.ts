// The kind of resource that Replane's SDKs ask for: the project of an SDK key, all configs of one environment.
import type { PayloadKey } from '../../domain/payload-key.js';
import type { ResourceKind } from '../../domain/resource-kind.js';
import { projectLoss } from './project/project-loss.js';
import { ProjectReader } from './project/project-reader.js';

export const REPLANE_PROJECT: ResourceKind = {
  name: 'replane',
  path: '/api/sdk/v1/replication/stream',
  noun: 'Replane project',
  formats: ['json'],
  versions: 'assigned',
  isContentAddressed: false,
  hasLegacyName: false,
  isNamedByHash: true,
  createStoredReader: (_format, decodedBytesMax) => new ProjectReader(decodedBytesMax),
  // The body states no version: the same bytes can have any.
  restate: (_clock, payload, version) => Promise.resolve({ ...payload, version }),
  lossOf: (_clock, before, after) => Promise.resolve(projectLoss(before, after)),
};

/** What Replane's own tests ask, of servers that are set to take part in them. */
export const SYNC_PATH = '/api/sdk/v1/testing/sync';

/** What Replane's SDK keys begin with, and no other SDK's. */
const KEY_PREFIX = 'rp_';

export function isReplaneKey(sdkKey: string): boolean {
  return sdkKey.startsWith(KEY_PREFIX);
}

export function projectKey(sdkKey: string): PayloadKey {
  return { sdkKey, kind: REPLANE_PROJECT, format: 'json' };
}
