// Manifests as they are held, for tests of what is made of them.
import { createHash } from 'node:crypto';
import { createConcurrencyLimit } from '../../../../src/domain/concurrency-limit.js';
import { BodyForms } from '../../../../src/bodies/body-forms.js';
import type { HeldPayload } from '../../../../src/core/payload-store.js';
import { toEtag } from '../../../../src/domain/etag.js';
import type { FilesAtHand } from '../../../../src/protocols/statsig/id-lists/rewritten-manifests.js';
import type { Payload } from '../../../../src/domain/payload.js';
import { idListsKey } from '../../../../src/protocols/statsig/resource-kinds.js';

export const SDK_KEY = 'secret-lists-0123456789';

/** Of files that can be had as promised. */
export const ALL_WELL: FilesAtHand = { areAllWell: true, promisable: (_file, bytes) => bytes };

export interface TestList {
  readonly url: string;
  readonly size: number;
  readonly fileID?: string;
}

export function manifestText(lists: Readonly<Record<string, TestList>>): string {
  return JSON.stringify(lists);
}

export function holding(text: string, sdkKey = SDK_KEY, version = 1): HeldPayload {
  const bytes = Buffer.from(text);
  const etag = toEtag(createHash('sha256').update(bytes));
  const originForm = { encoding: 'identity', bytes, etag } as const;
  const payload: Payload = { format: 'json', version, originForm, identityBytes: bytes.length };
  const forms = new BodyForms(payload, createConcurrencyLimit(1));
  return {
    key: idListsKey(sdkKey),
    payload,
    forms,
    confirmedAtMs: 0,
    relayedMs: 0,
    askedAtMs: 0,
    source: 'origin',
  };
}
