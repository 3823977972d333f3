// What the tests of the gRPC server begin with: origin, proxy, hand-turned clock, clients, and an end to all of them.
import type { TestContext } from 'node:test';
import type { ClientOptions } from '@grpc/grpc-js';
import { demoV1, demoV2 } from '../../../scripts/demo-specs.js';
import { eventually, within } from '../../e2e/deadline.js';
import { startFakeOrigin, type FakeOrigin } from '../../fakes/fake-origin.js';
import { GrpcClient } from '../../fakes/grpc-client.js';
import { RawClient } from '../../fakes/grpc-raw-client.js';
import { ManualClock, settle } from '../../fakes/manual-clock.js';
import { startProxy, type TestProxy, type TestProxyOptions } from '../../fakes/proxy.js';
import { rawRequest } from '../../fakes/raw-request.js';

export const POLL_MS = 1_000;

export interface Scene {
  readonly origin: FakeOrigin;
  readonly proxy: TestProxy;
  readonly clock: ManualClock;
  client(options?: ClientOptions): GrpcClient;
  rawClient(windowBytes?: number): RawClient;
  /** The project as the origin serves it now, as JSON text. */
  text(api: 'v1' | 'v2'): string;
  /** A newer version at the origin, fetched by the proxy; gives its number. */
  update(): Promise<number>;
  status(): Promise<Status>;
  /** Waits until this many streams are open. */
  streams(count: number): Promise<void>;
  /** Waits until this many calls wait for their first spec. */
  waiting(count: number): Promise<void>;
}

/** What /status tells of streams. */
export interface Status {
  readonly phase: string;
  readonly tables: Readonly<
    Record<string, { readonly entries: number; readonly entriesMax: number; readonly reached?: number }>
  >;
  readonly streams: {
    readonly byKey: readonly { readonly sdkKey: string; readonly streams: number }[];
    readonly refused: number;
    readonly dropped: number;
    readonly displaced: number;
  };
  readonly grpc: { readonly limitsReached: Readonly<Record<string, number>> };
}

export type SceneOptions = Partial<Omit<TestProxyOptions, 'origin' | 'clock'>>;

export async function startScene(t: TestContext, options: SceneOptions = {}): Promise<Scene> {
  const origin = await startFakeOrigin();
  origin.encoding = 'identity';
  const clock = new ManualClock();
  const proxy = await startProxy({
    mode: 'grpc',
    ...options,
    origin: origin.url,
    clock,
    args: ['--polling-interval-in-s', '1', ...(options.args ?? [])],
  });
  const clients: { close(): void | Promise<void> }[] = [];
  const keep = <Kind extends (typeof clients)[number]>(client: Kind): Kind => {
    clients.push(client);
    return client;
  };
  t.after(async () => {
    for (const client of clients) await client.close();
    await stopByHand(proxy, clock);
    await origin.close();
  });
  const status = async (): Promise<Status> =>
    JSON.parse((await rawRequest(`${proxy.adminUrl}/status?keys=`)).text) as Status;
  const entries = (table: string, count: number): Promise<void> =>
    eventually(`${count} in ${table}`, async () => ((await status()).tables[table]?.entries ?? 0) === count);
  return {
    origin,
    proxy,
    clock,
    client: (clientOptions) => keep(new GrpcClient(proxy.grpcAddress, clientOptions)),
    rawClient: (windowBytes) => keep(new RawClient(proxy.grpcAddress, windowBytes)),
    text: (api) => JSON.stringify(api === 'v1' ? demoV1(origin.project) : demoV2(origin.project)),
    update: () => update(origin, proxy, clock),
    status,
    streams: (count) => entries('streams', count),
    waiting: (count) => entries('callsWaitingForSpecs', count),
  };
}

async function update(origin: FakeOrigin, proxy: TestProxy, clock: ManualClock): Promise<number> {
  const time = origin.project.time + 1;
  origin.project = { ...origin.project, time };
  clock.advance(POLL_MS);
  const stored = proxy.logs.waitFor((line) => line['msg'] === 'spec updated' && line['specVersion'] === time);
  await within(stored, `update to ${time}`);
  return time;
}

/** Stops the proxy, and turns the clock for it until it has stopped. */
export async function stopByHand(proxy: TestProxy, clock: ManualClock): Promise<void> {
  let isStopped = false;
  const stopped = proxy.app.stop().finally(() => (isStopped = true));
  await eventually('end of the proxy', async () => {
    clock.advance(1_000);
    await settle();
    return isStopped;
  });
  await stopped;
}

export function isStrictlyIncreasing(versions: readonly number[]): boolean {
  return versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? Infinity));
}
