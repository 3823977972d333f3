// A rolling restart behind a balancer whose list of replicas lags three seconds: no request and no log event is lost.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { within } from '../e2e/deadline.js';
import { startLoggingSdk } from '../e2e/logging-child.js';
import { newSdkKey } from '../e2e/sdk-cases.js';
import { eventsOf, startEventOrigin } from '../fakes/event-origin.js';
import { rawRequest } from '../fakes/raw-request.js';
import { startTcpSplitter, type TcpSplitter } from '../fakes/tcp-splitter.js';
import { batchText, customEvent } from '../protocols/statsig/log-events/event-bodies.js';
import { startDaemon, type Daemon } from './daemon.js';
import { specPath, startOrigin } from './origin.js';

const LAG_MS = 3_000;
const LOGGING_MS = 30_000;
/** As legacy SDKs for Python have it. */
const ANSWER_MS_MAX = 3_000;
const ASK_EVERY_MS = 20;
/** What Kubernetes gives a pod between SIGTERM and SIGKILL, unless told otherwise. */
const GRACE_MS = 30_000;

/** One that never tries again: every failure is one of its application's. */
class PlainClient {
  readonly failures: string[] = [];
  readonly events: string[] = [];
  asked = 0;
  readonly #url: string;
  readonly #agent: Agent;
  readonly #sdkKey = newSdkKey();

  constructor(url: string, keepAlive: boolean) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive });
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#ask('GET', specPath(this.#sdkKey), 200);
      const name = `${this.#sdkKey} ${this.asked}`;
      this.events.push(name);
      await this.#ask('POST', '/v1/log_event', 202, batchText([customEvent(name)]));
      await pause(ASK_EVERY_MS);
    }
    this.#agent.destroy();
  }

  async #ask(method: string, path: string, expected: number, body?: string): Promise<void> {
    this.asked += 1;
    const headers = { 'statsig-api-key': this.#sdkKey, 'content-type': 'application/json' };
    const options = { method, headers, agent: this.#agent, timeout: ANSWER_MS_MAX };
    try {
      const status = await new Promise((resolve, reject) => {
        const outgoing = request(this.#url + path, options, (answer) => {
          answer.resume();
          answer.on('error', reject).once('end', () => {
            resolve(answer.statusCode);
          });
        });
        outgoing.on('error', reject);
        outgoing.once('timeout', () => outgoing.destroy(new Error('too late')));
        outgoing.end(body);
      });
      if (status !== expected) this.failures.push(`${method} ${path}: ${String(status)}`);
    } catch (error) {
      this.failures.push(`${method} ${path}: ${(error as Error).message}`);
    }
  }
}

/** Replaces one replica by another, as a Deployment does: first the new one, then SIGTERM, of which the list learns late. */
async function replace(splitter: TcpSplitter, old: Daemon, start: () => Promise<Daemon>): Promise<Daemon> {
  const next = await start();
  splitter.targets.add(next.port);
  old.program.signal('SIGTERM');
  await old.program.line('stopping');
  const removed = pause(LAG_MS).then(() => splitter.targets.delete(old.port));
  assert.equal((await rawRequest(`${old.url}/v1/ready`)).status, 503);
  await removed;
  const { code, stderr } = await within(old.program.ended, 'end of the old replica', GRACE_MS);
  assert.equal(code, 0, stderr);
  return next;
}

test('in a rolling restart no request and no event of any client fails', async (t: TestContext) => {
  const origin = await startOrigin(t);
  const events = await startEventOrigin();
  t.after(() => events.close());
  const args = ['--log-event-statsig-endpoint', events.url];
  // The delay that is the default.
  const env = { SFP_SHUTDOWN_DELAY_IN_S: '' };
  const start = (): Promise<Daemon> => startDaemon(t, origin.url, { args, env });
  let replicas = await Promise.all([start(), start()]);
  const splitter = await startTcpSplitter(
    t,
    replicas.map(({ port }) => port),
  );
  const url = `http://127.0.0.1:${splitter.port}`;
  const kinds = ['core', 'legacy', 'like dotnet', 'like java'] as const;
  const sdks = kinds.map((kind) => startLoggingSdk(t, kind, url, LOGGING_MS));
  const plain = [new PlainClient(url, true), new PlainClient(url, false)];
  const over = new AbortController();
  const isOver = (): boolean => over.signal.aborted;
  const asking = Promise.all(plain.map((client) => client.run(isOver)));
  const logged = Promise.all(sdks.map((sdk) => sdk.logged)).finally(() => {
    over.abort();
  });
  let restarts = 0;
  while (!isOver() || restarts < replicas.length) {
    const [old, other] = replicas;
    replicas = [other, await replace(splitter, old, start)];
    restarts += 1;
  }
  const counts = await logged;
  await asking;
  const said = await Promise.all(sdks.map((sdk) => sdk.ended));

  for (const client of plain) {
    assert.ok(client.asked > 100, `${client.asked} requests`);
    assert.deepEqual(client.failures, []);
  }
  assert.deepEqual(splitter.failures, []);
  assert.deepEqual(said, ['', '', '', '']);
  for (const { program } of replicas) {
    program.signal('SIGTERM');
    await within(program.ended, 'end of a replica', GRACE_MS);
  }
  const arrived = new Map<string, Set<string>>();
  for (const delivery of events.taken) {
    const names = arrived.get(delivery.sdkKey) ?? new Set();
    for (const { eventName } of eventsOf(delivery)) names.add(eventName);
    arrived.set(delivery.sdkKey, names);
  }
  for (const [index, { kind, sdkKey }] of sdks.entries()) {
    const numbers = [...(arrived.get(sdkKey) ?? [])].filter((name) => name.startsWith('number-'));
    assert.equal(numbers.length, counts[index], kind);
  }
  const all = new Set([...arrived.values()].flatMap((names) => [...names]));
  for (const { events: sent } of plain)
    assert.deepEqual(
      sent.filter((name) => !all.has(name)),
      [],
    );
  t.diagnostic(`${restarts} restarts, ${plain.map(({ asked }) => asked).join(' and ')} plain requests`);
});
