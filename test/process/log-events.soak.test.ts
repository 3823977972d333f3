// Log events and the end of the process: killed, stopped, out of disk; what was answered with 202 arrives.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually, within } from '../e2e/deadline.js';
import { eventsOf, startEventOrigin, type Delivery, type EventOrigin } from '../fakes/event-origin.js';
import { lengthOf } from '../fakes/length.js';
import { rawRequest } from '../fakes/raw-request.js';
import { batchText, customEvent } from '../protocols/statsig/log-events/event-bodies.js';
import { eventStatus, send } from '../protocols/statsig/log-events/event-scene.js';
import { startDaemon, type Daemon, type DaemonOptions } from './daemon.js';
import { NO_ORIGIN } from './origin.js';

const KILLS = lengthOf({ suite: 5, soak: 100 });
const SENDERS = 6;

interface Stage {
  readonly origin: EventOrigin;
  readonly dataDir: string;
  readonly start: (options?: Pick<DaemonOptions, 'ready'>) => Promise<Daemon>;
}

async function setStage(t: TestContext): Promise<Stage> {
  const origin = await startEventOrigin();
  t.after(() => origin.close());
  const dataDir = mkdtempSync(join(tmpdir(), 'data-dir-'));
  const daemons: Daemon[] = [];
  t.after(async () => {
    // One that still lives would write while the folder is being removed.
    await Promise.all(daemons.map(({ program }) => program.kill()));
    rmSync(dataDir, { recursive: true, force: true });
  });
  const own = ['--log-event-statsig-endpoint', origin.url, '--data-dir', dataDir];
  const start: Stage['start'] = async (options = {}) => {
    const daemon = await startDaemon(t, NO_ORIGIN, { args: own, ...options });
    daemons.push(daemon);
    return daemon;
  };
  return { origin, dataDir, start };
}

function names(deliveries: readonly Delivery[]): readonly string[] {
  return deliveries.flatMap(eventsOf).map(({ eventName }) => eventName);
}

/** Sends batch after batch with a key of its own, until the proxy is gone; tells what was answered with 202. */
async function sendUntilGone(
  url: string,
  sdkKey: string,
  firstNumber: number,
  accepted: (name: string) => void,
): Promise<void> {
  for (let number = firstNumber; ; number += 1) {
    const name = `${sdkKey} ${number}`;
    try {
      const { status } = await send(url, name, { sdkKey });
      if (status === 202) accepted(name);
    } catch {
      // The proxy was killed: this batch was not answered.
      return;
    }
  }
}

test('kill after kill under load: every batch that was answered with 202 arrives, per key in order', async (t) => {
  const { origin, start } = await setStage(t);
  // Slow, and every fifth time it fails: there is always something in flight and something waiting.
  origin.verdict = () => (response) => {
    const status = origin.deliveries.length % 5 === 0 ? 503 : 202;
    setTimeout(() => response.writeHead(status).end('{}'), 10);
  };
  const accepted: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { program, url } = await start();
    const keys = Array.from({ length: SENDERS }, (_none, sender) => `secret-sender${sender}`);
    const before = accepted.length;
    const senders = keys.map((sdkKey) =>
      sendUntilGone(url, sdkKey, kill * 100_000, (name) => accepted.push(name)),
    );
    // From early to late in what goes on, in the middle of whatever happens then.
    const moment = 1 + ((kill * 37) % 90);
    await eventually('load', () => accepted.length - before >= moment);
    await program.kill();
    await Promise.all(senders);
  }
  assert.ok(accepted.length > 30 * KILLS, `only ${accepted.length} were accepted`);
  origin.verdict = () => 202;
  const before = origin.deliveries.length;
  const { program, adminUrl } = await start();
  await eventually(
    'end of the queue',
    async () => (await eventStatus(adminUrl)).waiting.batches === 0,
    60_000,
  );
  const arrived = origin.deliveries;
  const idsOf = new Map<string, Set<string>>();
  const order = new Map<string, number[]>();
  for (const delivery of arrived) {
    for (const name of names([delivery])) {
      const [sdkKey = '', number = ''] = name.split(' ');
      if (!idsOf.has(name)) order.set(sdkKey, [...(order.get(sdkKey) ?? []), Number(number)]);
      idsOf.set(name, (idsOf.get(name) ?? new Set()).add(delivery.batchId));
    }
  }
  const missing = accepted.filter((name) => !idsOf.has(name));
  assert.deepEqual(missing, []);
  for (const [name, ids] of idsOf) assert.equal(ids.size, 1, `${name} came under two ids`);
  for (const [sdkKey, numbers] of order) {
    assert.deepEqual(
      numbers,
      [...numbers].sort((left, right) => left - right),
      sdkKey,
    );
  }
  t.diagnostic(`${accepted.length} accepted; ${arrived.length - before} deliveries after the last start`);
  program.signal('SIGTERM');
  assert.equal((await program.ended).code, 0);
});

test('on SIGTERM what cannot be sent stays on disk, and the next start sends it without being asked', async (t) => {
  const { origin, start, dataDir } = await setStage(t);
  origin.verdict = () => 503;
  const first = await start();
  for (const name of ['one', 'two', 'three']) assert.equal((await send(first.url, name)).status, 202);
  assert.equal((await eventStatus(first.adminUrl)).isDurable, true);
  first.program.signal('SIGTERM');
  assert.equal((await within(first.program.ended, 'end', 5_000)).code, 0);
  const [line] = first.program.logs.withMessage('log events stay on disk for the next start');
  assert.equal(line?.['batches'], 3);
  const before = origin.deliveries.length;
  origin.verdict = () => 202;
  const second = await start();
  const taken = await second.program.line('log events of an earlier run are being forwarded');
  assert.equal(taken['batches'], 3);
  await origin.took(3);
  assert.deepEqual(names(origin.deliveries.slice(before)), ['one', 'two', 'three']);
  second.program.signal('SIGTERM');
  assert.equal((await within(second.program.ended, 'end', 5_000)).code, 0);
  const left = readdirSync(join(dataDir, 'log-events'));
  assert.deepEqual(left, ['key', 'lock']);
});

test('while it stops, SDKs on open connections are told to go elsewhere', async (t) => {
  const { origin, start } = await setStage(t);
  const { program, url } = await start();
  let release = (): void => undefined;
  origin.verdict = () => (response) => {
    release = () => response.writeHead(202).end('{}');
  };
  assert.equal((await send(url, 'in flight')).status, 202);
  await origin.received(1);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
  });
  const body = gzipSync(batchText([customEvent('late')]));
  const headers = {
    'statsig-api-key': 'secret-late',
    'content-encoding': 'gzip',
    'content-length': body.length,
  };
  const outgoing = request(`${url}/v1/log_event`, { method: 'POST', agent, headers });
  const answer = new Promise<number | undefined>((resolve, reject) => {
    outgoing.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.on('error', reject);
  });
  // Under way before the signal, whole after it.
  outgoing.write(body.subarray(0, 5));
  // Once this later request is answered, the beginning of that one was read.
  assert.equal((await rawRequest(`${url}/v1/health`)).status, 200);
  program.signal('SIGTERM');
  await program.line('stopping');
  outgoing.end(body.subarray(5));
  assert.equal(await within(answer, 'answer'), 503);
  release();
  assert.equal((await program.ended).code, 0);
  assert.deepEqual(names(origin.deliveries), ['in flight']);
});

test('what the disk does not take is answered with 503, and harms nothing else', async (t) => {
  const { origin, start } = await setStage(t);
  origin.verdict = () => 503;
  const { program, url, adminUrl } = await start();
  assert.equal((await send(url, 'before')).status, 202);
  // No file may become larger than 64 KiB from now on.
  execFileSync('prlimit', ['--pid', String(program.pid), '--fsize=65536']);
  const large = await send(url, '', { body: batchText([customEvent('x'.repeat(100_000))]) });
  assert.equal(large.status, 503);
  assert.match(large.text, /log_events_not_written/);
  await program.line('log events cannot be written: SDKs are asked to retry');
  assert.equal((await send(url, 'after')).status, 202);
  origin.verdict = () => 202;
  await origin.took(2);
  assert.deepEqual(names(origin.taken), ['before', 'after']);
  assert.equal((await eventStatus(adminUrl)).turnedAway, 1);
});

test('two daemons do not share a folder: the second takes no log events until the first has ended', async (t) => {
  const { start, dataDir } = await setStage(t);
  const first = await start();
  const second = await start({ ready: 'started up: ready for traffic, but folders cannot be used' });
  await second.program.line('log-event folder cannot be used: SDKs are asked to retry until it can');
  assert.ok(readdirSync(join(dataDir, 'log-events')).includes('lock'));
  assert.equal((await send(second.url, 'too early')).status, 503);
  assert.equal((await send(first.url, 'in time')).status, 202);
  first.program.signal('SIGTERM');
  await first.program.ended;
  await eventually('a folder of its own', async () => (await send(second.url, 'now')).status === 202);
});

test('no SDK key stands in any file', async (t) => {
  const { origin, start, dataDir } = await setStage(t);
  origin.verdict = ({ sdkKey }) => (sdkKey.includes('waits') ? 503 : 422);
  const { url } = await start();
  const body = '{"events":[{"url":"https://x/v1/secret-inbody0123456789.json"}]}';
  for (const sdkKey of ['secret-waits0123456789', 'secret-dies0123456789']) {
    assert.equal((await send(url, '', { sdkKey, body })).status, 202);
  }
  const folder = join(dataDir, 'log-events');
  await eventually('dead letter', () => readdirSync(folder).includes('dead-letters.jsonl'));
  for (const text of ['waits0123', 'dies0123', 'inbody0123']) {
    // grep ends with 1 where it finds nothing.
    assert.throws(() => execFileSync('grep', ['--recursive', '--text', text, folder]), { status: 1 });
  }
});
