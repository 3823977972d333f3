// Signals that end the daemon: after the shutdown delay, whatever its clients do, it ends in good order and within five seconds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atBest, within, eventually } from '../e2e/deadline.js';
import { demoV1 } from '../../scripts/demo-specs.js';
import { FAILING } from '../fakes/origin-faults.js';
import { SDK_KEY } from '../fakes/proxy.js';
import { rawRequest } from '../fakes/raw-request.js';
import { daemonArgs, startDaemon, startProgram, type Program } from './daemon.js';
import { NO_ORIGIN, specPath, startOrigin } from './origin.js';
import { askAndReadNothing, isListening, openConnection, request } from './raw-connection.js';

const STOP_MS_MAX = 5000;
/** Sooner than it would let go of the origin. */
const AT_ONCE_MS_MAX = 2_500;
/** About 17 MB: more than the network holds for a client that does not read. */
const FILLER_GATES = 40_000;

async function assertStops(program: Program, signal: NodeJS.Signals): Promise<void> {
  program.signal(signal);
  const { code, stderr } = await within(program.ended, 'end of the daemon', STOP_MS_MAX);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.equal(program.logs.withMessage('stopped').length, 1);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  describe(`on ${signal} the daemon`, { concurrency: true }, () => {
    it('ends with status 0, though a connection stays open and idle', async (t) => {
      const { program, port } = await startDaemon(t, NO_ORIGIN);
      const connection = await openConnection(t, port);
      connection.send(request('/v1/ready'));
      await connection.received(/"status":"ready"/);
      await assertStops(program, signal);
    });

    it('first finishes an answer that waits for the origin', async (t) => {
      const origin = await startOrigin(t);
      const release = origin.hold();
      const { program, url } = await startDaemon(t, origin.url);
      const answer = rawRequest(url + specPath(SDK_KEY));
      await within(origin.arrived(1), 'request at the origin');
      const stopped = assertStops(program, signal);
      await program.line('stopping');
      release();
      const { status, text } = await within(answer, 'answer');
      assert.equal(status, 200);
      assert.equal((JSON.parse(text) as { time: number }).time, origin.project.time);
      await stopped;
    });

    it('ends with status 0 though the origin never answers: who waits for it gets a 503', async (t) => {
      const origin = await startOrigin(t);
      origin.fault = FAILING['headers_timeout of a silent origin'];
      const { program, url } = await startDaemon(t, origin.url);
      const answer = rawRequest(url + specPath(SDK_KEY));
      await within(origin.arrived(1), 'request at the origin');
      const stopped = assertStops(program, signal);
      const { status, headers, text } = await within(answer, 'answer');
      assert.equal(status, 503);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal((JSON.parse(text) as { reason: string }).reason, 'origin_failing');
      await stopped;
    });

    it('ends with status 0 though pinned keys are still being fetched', async (t) => {
      const origin = await startOrigin(t);
      origin.fault = FAILING['headers_timeout of a silent origin'];
      const program = startProgram(t, daemonArgs(origin.url), { env: { SFP_SDK_KEYS: SDK_KEY } });
      await within(origin.arrived(3), 'requests at the origin');
      await assertStops(program, signal);
    });

    it('ends with status 0 though a client reads nothing of a large answer', async (t) => {
      const origin = await startOrigin(t);
      origin.encoding = 'identity';
      origin.project = { ...origin.project, fillerGates: FILLER_GATES };
      const { program, port } = await startDaemon(t, origin.url);
      await askAndReadNothing(t, port, specPath(SDK_KEY));
      await assertStops(program, signal);
    });
  });
}

describe('while the daemon stops', { concurrency: true }, () => {
  it('a client that is slow to read still gets the whole of a large answer', async (t) => {
    const origin = await startOrigin(t);
    origin.encoding = 'identity';
    origin.project = { ...origin.project, fillerGates: FILLER_GATES };
    const { program, port } = await startDaemon(t, origin.url);
    const answer = await askAndReadNothing(t, port, specPath(SDK_KEY));
    program.signal('SIGTERM');
    await program.line('stopping');
    await eventually('refusal of new connections', async () => !(await isListening(port)));
    const bodyBytes = JSON.stringify(demoV1(origin.project)).length;
    const bytes = await answer.readAll();
    assert.ok(bytes > bodyBytes, `${bytes} bytes came of a body of ${bodyBytes}`);
    assert.equal((await program.ended).code, 0);
  });

  it('a connection that is open is told so by /v1/ready, and new ones are refused', async (t) => {
    const origin = await startOrigin(t);
    const release = origin.hold();
    const { program, port, url } = await startDaemon(t, origin.url);
    const answer = rawRequest(url + specPath(SDK_KEY));
    await within(origin.arrived(1), 'request at the origin');
    const connection = await openConnection(t, port);
    connection.send(request('/v1/ready'));
    await connection.received(/"status":"ready"/);
    const half = request('/v1/ready').slice(0, -2);
    connection.send(half);
    // Once this later request is answered, the half one was read.
    assert.equal((await rawRequest(`${url}/v1/health`)).status, 200);
    program.signal('SIGTERM');
    await program.line('stopping');
    await eventually('refusal of new connections', async () => !(await isListening(port)));
    connection.send('\r\n');
    const text = await connection.whole();
    assert.match(text, /HTTP\/1\.1 503 [^]*connection: close[^]*"status":"draining"/i);
    release();
    assert.equal((await within(answer, 'answer')).status, 200);
    assert.equal((await program.ended).code, 0);
  });

  for (const [first, second, code] of [
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
  ] as const) {
    it(`${second} after ${first} ends it at once with status ${code}`, async (t) => {
      const origin = await startOrigin(t);
      origin.fault = FAILING['headers_timeout of a silent origin'];
      let tries = 0;
      const tookMs = await atBest(AT_ONCE_MS_MAX, async () => {
        tries += 1;
        const { program, port } = await startDaemon(t, origin.url);
        const connection = await openConnection(t, port);
        connection.send(request(specPath(SDK_KEY)));
        await within(origin.arrived(tries), 'request at the origin');
        program.signal(first);
        await program.line('stopping');
        const startMs = performance.now();
        program.signal(second);
        assert.equal((await within(program.ended, 'end')).code, code);
        const ms = performance.now() - startMs;
        assert.deepEqual(program.logs.withMessage('stopped'), []);
        return ms;
      });
      assert.ok(tookMs <= AT_ONCE_MS_MAX, `${tookMs} ms`);
    });
  }
});

/** Longer than any test waits. */
const LONG_DELAY = { SFP_SHUTDOWN_DELAY_IN_S: '600' };

describe('during the shutdown delay', { concurrency: true }, () => {
  it('the daemon is not ready, and serves whoever comes all the same, until another SIGTERM', async (t) => {
    const origin = await startOrigin(t);
    const { program, url, adminUrl } = await startDaemon(t, origin.url, { env: LONG_DELAY });
    program.signal('SIGTERM');
    await program.line('stopping');
    for (const base of [url, adminUrl]) {
      const { status, text } = await rawRequest(`${base}/v1/ready`);
      assert.equal(status, 503);
      assert.equal((JSON.parse(text) as { status: string }).status, 'draining');
      assert.equal((await rawRequest(`${base}/v1/health`)).status, 200);
    }
    const { status, headers } = await rawRequest(url + specPath(SDK_KEY));
    assert.equal(status, 200);
    // So that clients which keep their connections leave for another replica.
    assert.equal(headers.connection, 'close');
    await assertStops(program, 'SIGTERM');
    assert.equal(program.logs.withMessage('signal again: the shutdown delay is over').length, 1);
  });

  it('a signal after the one that ended it ends the process at once', async (t) => {
    const origin = await startOrigin(t);
    origin.fault = FAILING['headers_timeout of a silent origin'];
    let tries = 0;
    const tookMs = await atBest(AT_ONCE_MS_MAX, async () => {
      tries += 1;
      const { program, port } = await startDaemon(t, origin.url, { env: LONG_DELAY });
      const connection = await openConnection(t, port);
      program.signal('SIGTERM');
      await program.line('stopping');
      connection.send(request(specPath(SDK_KEY)));
      await within(origin.arrived(tries), 'request at the origin');
      program.signal('SIGTERM');
      await program.line('signal again: the shutdown delay is over');
      const startMs = performance.now();
      program.signal('SIGINT');
      assert.equal((await within(program.ended, 'end')).code, 130);
      const ms = performance.now() - startMs;
      assert.deepEqual(program.logs.withMessage('stopped'), []);
      return ms;
    });
    assert.ok(tookMs <= AT_ONCE_MS_MAX, `${tookMs} ms`);
  });

  it('nobody waits for it who stops the daemon by SIGINT', async (t) => {
    const { program } = await startDaemon(t, NO_ORIGIN, { env: LONG_DELAY });
    await assertStops(program, 'SIGINT');
  });
});
