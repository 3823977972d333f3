// What events say of a client: the same each time, and never an SDK key, whatever was remembered of others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientText } from '../../../src/domain/client-text.js';
import { AnsweredRequest, type Exchange } from '../../../src/servers/http/answered-request.js';

function exchange(sdkKey: string | undefined, sdkType: unknown, version?: string): Exchange {
  return {
    isProbe: false,
    path: '/v1/x',
    method: 'GET',
    status: 200,
    latencyMs: 1,
    sdkKey,
    header: (name) => (name === 'statsig-sdk-type' ? sdkType : undefined),
    answerHeader: (name) => (name === 'x-since-time' ? version : undefined),
  };
}

test('a text that was remembered is masked for the client whose SDK key it holds', () => {
  const answered = new AnsweredRequest();
  assert.equal(answered.of(exchange('other', 'odd-sdk')).sdkType, 'odd-sdk');
  assert.equal(answered.of(exchange('odd', 'odd-sdk')).sdkType, clientText('odd-sdk', 'odd'));
  assert.equal(answered.of(exchange('other', 'odd-sdk')).sdkType, 'odd-sdk');
});

test('whatever clients send in whatever order, each text is what it would be without those before', () => {
  const sdkKey = fc.constantFrom(undefined, '', 'a', 'ab', 'odd', 'secret-abcdefghijklmnop');
  const sent = fc.oneof(
    fc.constantFrom(undefined, '', 'a', 'cab', 'odd-sdk', 'x secret-abcdefghijklmnop', ['a', 'b']),
    fc.string({ maxLength: 80 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(sdkKey, sent), { maxLength: 50 }), (requests) => {
      const answered = new AnsweredRequest();
      for (const [key, type] of requests) {
        assert.equal(answered.of(exchange(key, type)).sdkType, clientText(type, key));
      }
    }),
  );
});

test('more texts than are remembered stay right', () => {
  const answered = new AnsweredRequest();
  for (let turn = 0; turn < 2; turn += 1) {
    for (let at = 0; at < 1_000; at += 1) {
      assert.equal(answered.of(exchange('key', `sdk ${at}`)).sdkType, `sdk ${at}`);
    }
  }
});

test('the version is the one of this answer', () => {
  const answered = new AnsweredRequest();
  for (const [version, lcut] of [
    ['17', 17],
    ['17', 17],
    [undefined, 0],
    ['18', 18],
    ['17', 17],
  ] as const) {
    assert.equal(answered.of(exchange('key', 'sdk', version)).lcut, lcut);
  }
});
