// The parts of undici that are taken from its folders are those that its entry point hands out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as whole from 'undici';
import * as parts from '../../src/http-client/outbound/undici.js';

test('each part is the same as undici itself has it', () => {
  const { Client, Dispatcher, EnvHttpProxyAgent, Pool, buildConnector, errors } = whole;
  assert.deepEqual({ ...parts }, { Client, Dispatcher, EnvHttpProxyAgent, Pool, buildConnector, errors });
  for (const [name, part] of Object.entries(parts))
    assert.equal(part, whole[name as keyof typeof whole], name);
  assert.equal(typeof parts.Pool.prototype.request, 'function');
});
