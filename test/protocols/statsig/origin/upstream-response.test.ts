// What status, headers and facts of an answer mean, without a network.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PayloadKey } from '../../../../src/domain/payload-key.js';
import type { Encoding } from '../../../../src/domain/payload.js';
import type { TakenBody } from '../../../../src/bodies/body-intake.js';
import type { SpecFacts } from '../../../../src/protocols/statsig/spec-body/spec-facts.js';
import {
  judgeBody,
  judgeHead,
  type BodyPlan,
} from '../../../../src/protocols/statsig/origin/upstream-response.js';
import { parseRetryAfterMs, RETRY_AFTER_MS_MAX } from '../../../../src/http-client/retry-after.js';
import { toUpstreamRequest } from '../../../../src/protocols/statsig/origin/upstream-request.js';
import { SPEC_V2 } from '../../../../src/protocols/statsig/resource-kinds.js';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const JSON_KEY: PayloadKey = { sdkKey: 'secret-k', kind: SPEC_V2, format: 'json' };
const PROTOBUF_KEY: PayloadKey = { ...JSON_KEY, format: 'protobuf' };
const PLAN: BodyPlan = { kind: 'read-body', format: 'json', encoding: 'br' };

function body(facts: Partial<SpecFacts>): TakenBody<SpecFacts> {
  return {
    form: { encoding: 'br', bytes: Buffer.from('x'), etag: '"x"' },
    identityBytes: 10,
    facts: { hasUpdates: true, time: 200, checksum: '7', isDelta: false, namedValues: [], ...facts },
  };
}

test('401 and 403 refuse the key, whatever else the answer says', () => {
  for (const status of [401, 403]) {
    assert.deepEqual(judgeHead(JSON_KEY, status, { 'x-deltas-used': '1' }, NOW_MS), {
      kind: 'unauthorized',
      status,
    });
  }
});

test('every other status but 200 is a failure with the status in its reason', () => {
  for (const status of [204, 206, 301, 304, 400, 402, 404, 407, 418, 429, 500, 502, 503]) {
    const outcome = judgeHead(JSON_KEY, status, {}, NOW_MS);
    assert.equal(outcome.kind === 'failed' && outcome.reason, `status_${status}`);
  }
});

test('Retry-After counts on 429 and 503 only', () => {
  const wait = (status: number): number | undefined => {
    const outcome = judgeHead(JSON_KEY, status, { 'retry-after': '7' }, NOW_MS);
    return outcome.kind === 'failed' ? outcome.retryAfterMs : undefined;
  };
  assert.deepEqual([429, 503, 500, 404].map(wait), [7_000, 7_000, undefined, undefined]);
});

test('Retry-After is seconds or a date, bounded, and nothing else', () => {
  assert.equal(parseRetryAfterMs('3', NOW_MS), 3_000);
  assert.equal(parseRetryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT', NOW_MS), 5_000);
  assert.equal(parseRetryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', NOW_MS), 0);
  assert.equal(parseRetryAfterMs('9999999999999', NOW_MS), RETRY_AFTER_MS_MAX);
  assert.equal(parseRetryAfterMs('soon', NOW_MS), undefined);
  assert.equal(parseRetryAfterMs('', NOW_MS), undefined);
});

test('a body is read by its content-encoding, whatever its type', () => {
  const plan = (headers: Record<string, string>): unknown => judgeHead(PROTOBUF_KEY, 200, headers, NOW_MS);
  const read = { kind: 'read-body' };
  assert.deepEqual(plan({}), { ...read, format: 'json', encoding: 'identity' });
  assert.deepEqual(plan({ 'content-encoding': 'GZIP' }), { ...read, format: 'json', encoding: 'gzip' });
  assert.deepEqual(plan({ 'content-encoding': 'statsig-br' }), {
    ...read,
    format: 'protobuf',
    encoding: 'br',
  });
  assert.deepEqual(plan({ 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' }), {
    ...read,
    format: 'json',
    encoding: 'gzip',
  });
});

test('a new version is an update with all its facts', () => {
  const taken = body({});
  assert.deepEqual(judgeBody(PLAN, taken, 100), {
    kind: 'updated',
    payload: {
      format: 'json',
      version: 200,
      originForm: taken.form,
      identityBytes: 10,
      checksum: '7',
      namedValues: [],
    },
  });
});

test('no updates, and the version held sent again, confirm it', () => {
  assert.deepEqual(judgeBody(PLAN, body({ hasUpdates: false, time: undefined }), 200), { kind: 'unchanged' });
  assert.deepEqual(judgeBody(PLAN, body({}), 200), { kind: 'unchanged' });
});

test('what is no spec to keep fails with its reason', () => {
  const reason = (facts: Partial<SpecFacts>, sinceTime: number): string => {
    const outcome = judgeBody(PLAN, body(facts), sinceTime);
    return outcome.kind === 'failed' ? outcome.reason : outcome.kind;
  };
  assert.equal(reason({ hasUpdates: undefined }, 0), 'no_has_updates');
  assert.equal(reason({ hasUpdates: false }, 0), 'no_spec_sent');
  assert.equal(reason({ time: undefined }, 0), 'no_time');
  assert.equal(reason({ isDelta: true }, 0), 'delta');
  assert.equal(reason({ time: 199 }, 200), 'older_than_held');
});

test('a first spec may have the time 0', () => {
  assert.equal(judgeBody(PLAN, body({ time: 0 }), 0).kind, 'updated');
});

const SENDER = { version: '1.2.3', via: '1.1 edge' };

test('the request names our own version held, our release, and nothing of any client', () => {
  assert.deepEqual(toUpstreamRequest(JSON_KEY, 0, SENDER), {
    path: '/v2/download_config_specs/secret-k.json',
    headers: {
      'accept-encoding': 'br, gzip',
      'user-agent': 'spec-forward-proxy/1.2.3',
      'x-sfp-version': '1.2.3',
      via: '1.1 edge',
    },
  });
  const { path, headers } = toUpstreamRequest(PROTOBUF_KEY, 17, SENDER);
  assert.equal(path, '/v2/download_config_specs/secret-k.json?supports_proto=true&sinceTime=17');
  assert.equal(headers['statsig-supports-proto'], 'true');
  assert.equal(headers['accept-encoding'], 'statsig-br, br, gzip');
});

test('gzip alone is asked for where nothing else is of use, and never of protobuf', () => {
  const asked = (key: PayloadKey, wanted: Encoding): string | undefined =>
    toUpstreamRequest(key, 0, SENDER, wanted).headers['accept-encoding'];
  assert.equal(asked(JSON_KEY, 'gzip'), 'gzip');
  for (const wanted of ['br', 'identity'] as const) assert.equal(asked(JSON_KEY, wanted), 'br, gzip');
  assert.equal(asked(PROTOBUF_KEY, 'gzip'), 'statsig-br, br, gzip');
});
