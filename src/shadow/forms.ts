// Every form in which SDKs ask for what a key has: one question each, worded as they word it.
import type { PayloadKey } from '../domain/payload-key.js';
import type { ResourceKind } from '../domain/resource-kind.js';
import { ID_LISTS, SPEC_V1, SPEC_V2 } from '../protocols/statsig/resource-kinds.js';

export interface Form {
  /** For people. */
  readonly name: string;
  readonly kind: ResourceKind;
  readonly format: PayloadKey['format'];
  readonly acceptEncoding: string;
  /** Asked with the version that the same side has just answered: nothing is new. */
  readonly isRepeated: boolean;
}

const JSON_ENCODINGS = ['identity', 'gzip', 'br'];

function jsonForms(kind: ResourceKind): Form[] {
  return JSON_ENCODINGS.map((acceptEncoding) => ({
    name: `${kind.name} json ${acceptEncoding}`,
    kind,
    format: 'json',
    acceptEncoding,
    isRepeated: false,
  }));
}

/** In the order in which they are asked: a repeated one after the whole one. */
export const FORMS: readonly Form[] = [
  ...jsonForms(SPEC_V1),
  { ...repeated(SPEC_V1), name: 'v1 json, nothing new' },
  ...jsonForms(SPEC_V2),
  { ...repeated(SPEC_V2), name: 'v2 json, nothing new' },
  {
    name: 'v2 protobuf',
    kind: SPEC_V2,
    format: 'protobuf',
    acceptEncoding: 'statsig-br, br, gzip',
    isRepeated: false,
  },
  { name: 'id_lists', kind: ID_LISTS, format: 'json', acceptEncoding: 'gzip', isRepeated: false },
];

function repeated(kind: ResourceKind): Omit<Form, 'name'> {
  return { kind, format: 'json', acceptEncoding: 'gzip', isRepeated: true };
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `sinceTime`: 0 for a client that holds nothing. */
export function toQuestion(form: Form, sdkKey: string, sinceTime: number): Question {
  const { kind, format, acceptEncoding } = form;
  const headers = { 'accept-encoding': acceptEncoding };
  if (kind === ID_LISTS) {
    const more = { 'content-type': 'application/json', 'statsig-api-key': sdkKey };
    return { method: 'POST', path: kind.path, headers: { ...headers, ...more } };
  }
  const query = new URLSearchParams();
  if (format === 'protobuf') query.set('supports_proto', 'true');
  if (sinceTime > 0) query.set('sinceTime', String(sinceTime));
  return {
    method: 'GET',
    path: `${kind.path}/${sdkKey}.json${query.size === 0 ? '' : `?${query.toString()}`}`,
    headers: format === 'protobuf' ? { ...headers, 'statsig-supports-proto': 'true' } : headers,
  };
}
