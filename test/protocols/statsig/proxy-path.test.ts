// Who is in front of this proxy, by Via: a loop is found whatever else the header says, and nothing but proxies is passed on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createProxyPaths, ProxyPath } from '../../../src/protocols/statsig/proxy-path.js';

const ids = fc.integer({ min: 0, max: 30 }).map((number) => String(number).padStart(16, '0'));
const NAMES = /^1\.1 spec-forward-proxy-[0-9a-f]{16}(?:, 1\.1 spec-forward-proxy-[0-9a-f]{16}){0,8}$/;

test('whatever a request says, the origin hears of a few proxies by their names, and of nothing else', () => {
  const hop = fc.oneof(
    ids.map((id) => `1.1 spec-forward-proxy-${id}`),
    fc.string(),
    fc.constantFrom('1.0 fred', '1.1 spec-forward-proxy-', '1.1 spec-forward-proxy-0123456789ABCDEF'),
  );
  fc.assert(
    fc.property(fc.array(fc.array(hop, { maxLength: 40 })), (vias) => {
      const path = new ProxyPath('f'.repeat(16));
      for (const via of vias) {
        assert.equal(path.isLoop(via.join(', ')), false);
        assert.match(path.via, NAMES);
      }
    }),
  );
});

test('proxies in a circle find it, however many they are and whoever else asks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(ids, { maxLength: 8 }), (length, others) => {
      const circle = Array.from(
        { length },
        (_none, index) => new ProxyPath(`a${String(index).padStart(15, '0')}`),
      );
      for (const path of circle) for (const id of others) path.isLoop(new ProxyPath(id).via);
      // One request to the first, and what comes of it.
      let via = '';
      const isFound = [...circle, circle[0]].some((path) => {
        if (path === undefined || path.isLoop(via)) return true;
        via = path.via;
        return false;
      });
      assert.equal(isFound, true);
    }),
  );
});

test('each origin has a way of its own: what asks for log events is in front of these only', () => {
  const paths = createProxyPaths('0'.repeat(16));
  assert.equal(paths.logEvents.isLoop(new ProxyPath('1'.repeat(16)).via), false);
  assert.match(paths.logEvents.via, /1{16}, .*0{16}$/);
  assert.doesNotMatch(paths.specs.via, /1{16}/);
  assert.equal(paths.specs.isLoop(paths.logEvents.via), true);
});
