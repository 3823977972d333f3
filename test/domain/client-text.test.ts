// What is shown of a client's own words: names of SDKs as they are, never a key, and nothing long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientText, CLIENT_TEXT_CHARACTERS_MAX } from '../../src/domain/client-text.js';

const KEY = 'secret-abcdefghijklmnopqrstuvwxyz0123456789';

test('names that SDKs give themselves are shown as they are', () => {
  const names = ['node', 'python', 'java', 'dotnet', 'elixir', 'php', 'go'].map(
    (language) => `statsig-server-core-${language}`,
  );
  for (const name of [...names, 'statsig-node', 'py-server', 'java-server', 'oai-statsig-server-core-python'])
    assert.equal(clientText(name, KEY), name);
});

test('what is missing or no text is unknown', () => {
  for (const value of [undefined, '', ['a', 'b']]) assert.equal(clientText(value, KEY), 'unknown');
});

test('a key is never shown, be it of the client itself or of another, and long texts are cut', () => {
  const key = fc
    .tuple(fc.constantFrom('secret-', 'client-', 'server-'), fc.stringMatching(/^[A-Za-z0-9]{16,40}$/))
    .map((parts) => parts.join(''));
  const around = fc.stringMatching(/^[a-z :/-]{0,20}$/);
  fc.assert(
    fc.property(key, around, around, fc.boolean(), (text, before, after, isOwn) => {
      const shown = clientText(`${before}${text}${after}`, isOwn ? text : undefined);
      assert.ok(!shown.includes(text), shown);
      assert.ok(shown.length <= CLIENT_TEXT_CHARACTERS_MAX);
    }),
  );
  assert.equal(clientText('odd', 'odd'), '***');
});
