// The three forms in which SDKs ask for a spec: how each is asked for over HTTP, and where it stands in Redis.
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type FormName = 'v1' | 'v2' | 'protobuf';

interface Form {
  readonly path: string;
  readonly query: string;
  /** In the Redis name, and in the entry's field `encoding`. */
  readonly redisEncoding: 'plain_text' | 'statsig-br';
}

export const FORMS: Readonly<Record<FormName, Form>> = {
  v1: { path: '/v1/download_config_specs', query: '', redisEncoding: 'plain_text' },
  v2: { path: '/v2/download_config_specs', query: '', redisEncoding: 'plain_text' },
  protobuf: {
    path: '/v2/download_config_specs',
    query: 'supports_proto=true',
    redisEncoding: 'statsig-br',
  },
};
export const FORM_NAMES: readonly FormName[] = ['v1', 'v2', 'protobuf'];

/** One payload: whose, and in which form. */
export interface Spec {
  readonly sdkKey: string;
  readonly form: FormName;
}

export function specsOf(sdkKeys: readonly string[], forms: readonly FormName[] = FORM_NAMES): Spec[] {
  return sdkKeys.flatMap((sdkKey) => forms.map((form) => ({ sdkKey, form })));
}

/** Path and query; `sinceTime` 0 for a client that holds nothing. */
export function specTarget({ sdkKey, form }: Spec, sinceTime = 0): string {
  const { path, query } = FORMS[form];
  const since = sinceTime === 0 ? '' : `sinceTime=${sinceTime}`;
  const search = [query, since].filter((part) => part !== '').join('&');
  return `${path}/${sdkKey}.json${search === '' ? '' : `?${search}`}`;
}

/** A name that tells specs apart. */
export function specId({ sdkKey, form }: Spec): string {
  return `${form} of ${sdkKey}`;
}

/** As SDKs' data adapters ask for it. */
export function redisName({ sdkKey, form }: Spec): string {
  const hash = createHash('sha256').update(sdkKey).digest('base64');
  return `statsig|${FORMS[form].path}|${FORMS[form].redisEncoding}|${hash}`;
}

export const LEADER_NAME = 'statsig_forward_proxy::leader';

/** The version in Redis; undefined where there is none. */
export async function storedVersion(client: Redis, spec: Spec): Promise<number | undefined> {
  const lcut = await client.hget(redisName(spec), 'lcut');
  return lcut === null ? undefined : Number(lcut);
}
