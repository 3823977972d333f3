// Replicas with one queue of log events in Redis, before an origin that fails at times: load, faults, and what must hold.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { eventually } from '../e2e/deadline.js';
import { startEventBalancer, type EventBalancer } from '../fakes/event-balancer.js';
import { eventsOf, startEventOrigin, type EventOrigin } from '../fakes/event-origin.js';
import { startFakeOrigin } from '../fakes/fake-origin.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';
import { send } from '../protocols/statsig/log-events/event-scene.js';
import { startDaemon, type Daemon, type Environment } from './daemon.js';
import { temporaryFile } from './temporary-file.js';

const DRAINED_MS_MAX = 120_000;
/** Between two tries of a sender, as SDKs wait. */
const AGAIN_MS = 50;

export interface EventFleetOptions {
  /** How to reach Redis. */
  readonly env: Environment;
  readonly args?: readonly string[];
  /** A `--data-dir` for each replica, of its own, that outlives it. */
  readonly hasFolders?: boolean;
}

export class EventFleet {
  readonly origin: EventOrigin;
  readonly balancer: EventBalancer;
  readonly replicas: Daemon[] = [];
  readonly #t: TestContext;
  readonly #specs: string;
  readonly #options: EventFleetOptions;
  readonly #keyFile: string;
  readonly #folders = makeTemporaryFolder('event-fleet');
  #isLoaded = false;
  readonly #senders: Promise<void>[] = [];

  constructor(
    t: TestContext,
    { origin, balancer, specs }: { origin: EventOrigin; balancer: EventBalancer; specs: string },
    options: EventFleetOptions,
  ) {
    this.#t = t;
    this.origin = origin;
    this.balancer = balancer;
    this.#specs = specs;
    this.#options = options;
    this.#keyFile = temporaryFile(t, Buffer.alloc(32, 1).toString('base64'));
  }

  /** Starts the replica of this number, or starts it again. */
  async start(index: number): Promise<Daemon> {
    const { args = [], env, hasFolders = false } = this.#options;
    const folder = hasFolders ? ['--data-dir', this.#folderOf(index)] : [];
    const store = ['--log-event-store', 'redis', '--data-key-file', this.#keyFile];
    const daemon = await startDaemon(this.#t, this.#specs, {
      cache: 'redis',
      args: ['--log-event-statsig-endpoint', this.origin.url, ...store, ...folder, ...args],
      env: { HOSTNAME: `replica-${index}`, ...env },
    });
    this.replicas[index] = daemon;
    this.#balance();
    return daemon;
  }

  async kill(index: number): Promise<void> {
    await this.replica(index).program.kill();
  }

  replica(index: number): Daemon {
    return this.replicas[index] ?? assert.fail(`no replica ${index}`);
  }

  /** As if its volume were another one from now on. */
  removeFolder(index: number): void {
    rmSync(this.#folderOf(index), { recursive: true, force: true });
  }

  /** Each sender has a key of its own, and sends one numbered event after the other until `endLoad`: the same again until it is accepted. */
  load(senders: number): void {
    this.#isLoaded = true;
    for (let sender = 0; sender < senders; sender += 1)
      this.#senders.push(this.#send(`secret-sender${sender}`));
  }

  async endLoad(): Promise<void> {
    this.#isLoaded = false;
    await Promise.all(this.#senders);
  }

  async accepted(more: number): Promise<void> {
    const { accepted } = this.balancer;
    const from = accepted.length;
    await eventually(`${more} accepted batches`, () => accepted.length >= from + more, DRAINED_MS_MAX);
  }

  /** Waits until all that was accepted was taken; fails where an event is missing, or one of a sender came before an earlier one. */
  async assertAllArrived(): Promise<void> {
    const missing = (): readonly string[] => {
      const taken = new Set(this.#taken().map(({ sdkKey, name }) => `${sdkKey} ${name}`));
      return this.balancer.accepted
        .map(({ sdkKey, name }) => `${sdkKey} ${name}`)
        .filter((each) => !taken.has(each));
    };
    await eventually('arrival of all that was accepted', () => missing().length === 0, DRAINED_MS_MAX).catch(
      () => {
        assert.deepEqual(missing(), []);
      },
    );
    const last = new Map<string, number>();
    const seen = new Set<string>();
    for (const { sdkKey, name } of this.#taken()) {
      if (!sdkKey.startsWith('secret-sender') || seen.has(`${sdkKey} ${name}`)) continue;
      seen.add(`${sdkKey} ${name}`);
      const number = Number(name);
      assert.ok(
        number > (last.get(sdkKey) ?? -1),
        `${name} of ${sdkKey} came after ${String(last.get(sdkKey))}`,
      );
      last.set(sdkKey, number);
    }
  }

  #taken(): readonly { readonly sdkKey: string; readonly name: string }[] {
    return this.origin.taken.flatMap((delivery) =>
      eventsOf(delivery).map(({ eventName }) => ({ sdkKey: delivery.sdkKey, name: eventName })),
    );
  }

  #folderOf(index: number): string {
    return join(this.#folders, String(index));
  }

  #balance(): void {
    this.balancer.targets = this.replicas.map(({ url }) => url);
  }

  async #send(sdkKey: string): Promise<void> {
    let number = 0;
    while (this.#isLoaded) {
      if (await this.#isAccepted(sdkKey, String(number))) number += 1;
      else await pause(AGAIN_MS);
    }
  }

  async #isAccepted(sdkKey: string, name: string): Promise<boolean> {
    const { status } = await send(this.balancer.url, name, { sdkKey });
    return status === 202;
  }
}

export async function startEventFleet(
  t: TestContext,
  replicas: number,
  options: EventFleetOptions,
): Promise<EventFleet> {
  const origin = await startEventOrigin();
  const specs = await startFakeOrigin();
  t.after(async () => {
    await origin.close();
    await specs.close();
  });
  troubled(origin);
  const balancer = await startEventBalancer(t);
  const fleet = new EventFleet(t, { origin, balancer, specs: specs.url }, options);
  for (let index = 0; index < replicas; index += 1) await fleet.start(index);
  return fleet;
}

/** Every tenth time it fails: there is always something in flight and something waiting. */
export function troubled(origin: EventOrigin): void {
  let asked = 0;
  origin.verdict = () => {
    asked += 1;
    return asked % 10 === 0 ? 503 : 202;
  };
}

/** Takes nothing, and says so: what fails without that is overtaken after a while. */
export function busy(origin: EventOrigin): void {
  origin.verdict = () => ({ status: 503, headers: { 'retry-after': '1' } });
}
