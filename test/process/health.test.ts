// The `health` subcommand, which asks the daemon on the same machine: its exit status is its answer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { runProgram, startDaemon } from './daemon.js';
import { NO_ORIGIN } from './origin.js';

const HAS_IPV6 = Object.values(networkInterfaces())
  .flatMap((found) => found ?? [])
  .some(({ address }) => address === '::1');
/** Nobody listens there. */
const NO_PORT = '9';

describe('health', { concurrency: true }, () => {
  it('exits with status 0 where the daemon lives, found by --http-port or SFP_HTTP_PORT', async (t) => {
    const { port } = await startDaemon(t, NO_ORIGIN);
    const env = { SFP_HTTP_PORT: String(port) };
    for (const ending of [
      await runProgram(t, ['health', '--http-port', String(port)]),
      await runProgram(t, ['health'], { env }),
      await runProgram(t, ['health', '--http-port', String(port)], { env: { SFP_HTTP_PORT: NO_PORT } }),
    ]) {
      assert.equal(ending.code, 0, ending.stdout);
      assert.equal((JSON.parse(ending.stdout) as { status: string }).status, 'healthy');
      assert.equal(ending.stderr, '');
    }
  });

  for (const host of ['::', '0.0.0.0']) {
    it(`finds a daemon on an address of either family where the host is ${host}`, async (t) => {
      for (const family of HAS_IPV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
        const { port } = await startDaemon(t, NO_ORIGIN, { args: ['--host', family] });
        const ending = await runProgram(t, ['health', '--host', host, '--http-port', String(port)]);
        assert.equal(ending.code, 0, ending.stdout);
      }
    });
  }

  it('exits with status 1 where there is no daemon', async (t) => {
    const args = ['health', '--http-port', NO_PORT, '--admin-port', NO_PORT];
    const { code, stdout, stderr } = await runProgram(t, args);
    assert.equal(code, 1);
    assert.equal(stdout, 'no server listens on port 9 of :: or port 9 of 127.0.0.1\n');
    assert.equal(stderr, '');
  });

  it('exits with status 1 where something else answers, or nothing does in time', async (t) => {
    const server = createServer((_request, response) => {
      response.writeHead(404).end('not me');
    });
    const silent = createServer(() => undefined);
    const ports: string[] = [];
    for (const one of [server, silent]) {
      one.listen(0, '127.0.0.1');
      await once(one, 'listening');
      t.after(() => {
        one.closeAllConnections();
        one.close();
      });
      ports.push(String((one.address() as AddressInfo).port));
    }
    const endings = await Promise.all(ports.map((port) => runProgram(t, ['health', '--http-port', port])));
    assert.deepEqual(
      endings.map(({ code }) => code),
      [1, 1],
    );
    assert.match(endings[1]?.stdout ?? '', /no answer within/);
  });

  it('exits with status 2 for wrong options', async (t) => {
    const { code, stdout, stderr } = await runProgram(t, ['health', '--http-port', 'eighty', '--nothing']);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /--http-port/);
    assert.match(stderr, /unknown option --nothing/);
  });
});
