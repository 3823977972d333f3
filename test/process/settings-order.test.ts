// Where the running daemon takes a setting from: an option before its variable, a variable before the default.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { LogLine } from '../fakes/log-sink.js';
import { startProgram, type Environment } from './daemon.js';
import { isListening } from './raw-connection.js';

const LOOPBACK = ['--host', '127.0.0.1', '--admin-port', '0'];
/** A port that port 0 never becomes. */
const FIXED_PORT = '9';

/** What the daemon says once it listens. */
async function listening(t: TestContext, args: readonly string[], env: Environment): Promise<LogLine> {
  return await startProgram(t, ['http', 'disabled', ...LOOPBACK, ...args], { env }).line('listening');
}

describe('the daemon takes', { concurrency: true }, () => {
  it('an option before its variable', async (t) => {
    const args = ['--http-port', '0', '--statsig-endpoint', 'http://127.0.0.1:9/typed'];
    const env = { SFP_HTTP_PORT: FIXED_PORT, STATSIG_ENDPOINT: 'http://127.0.0.1:9/variable' };
    const line = await listening(t, args, env);
    assert.equal(line['origin'], 'http://127.0.0.1:9/typed');
    assert.notEqual(line['httpPort'], Number(FIXED_PORT));
    assert.equal(await isListening(Number(line['httpPort'])), true);
  });

  it('a variable before the default', async (t) => {
    const line = await listening(t, [], {
      SFP_HTTP_PORT: '0',
      STATSIG_ENDPOINT: 'http://127.0.0.1:9/variable',
    });
    assert.equal(line['origin'], 'http://127.0.0.1:9/variable');
    assert.notEqual(line['httpPort'], 8000);
  });

  it('the default where neither is given, or the variable is empty', async (t) => {
    const line = await listening(t, ['--http-port', '0'], { STATSIG_ENDPOINT: '' });
    assert.equal(line['origin'], 'https://api.statsigcdn.com/');
    assert.equal(line['adminHost'], '127.0.0.1');
  });
});
