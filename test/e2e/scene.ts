// One test's stage: a fake origin and the proxy before it, both gone when the test is over, and what must hold on any stage.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startFakeOrigin, type FakeOrigin } from '../fakes/fake-origin.js';
import { startProxy, type TestProxy } from '../fakes/proxy.js';
import type { Issued } from '../fakes/test-authority.js';
import { eventually } from './deadline.js';

export interface Scene {
  readonly origin: FakeOrigin;
  readonly proxy: TestProxy;
  /** Where SDKs are to ask. */
  readonly url: string;
  /** Takes the origin off the network for good. */
  closeOrigin(): Promise<void>;
  /** A later version of the project: gate closed, another greeting. */
  changeProject(): void;
}

export const GREETING = 'hello';
export const LATER_GREETING = 'hello again';

/** Over TLS where the proxy has a certificate. */
export async function startScene(t: TestContext, certificate?: Issued): Promise<Scene> {
  const origin = await startFakeOrigin();
  let closing: Promise<void> | undefined;
  const closeOrigin = (): Promise<void> => (closing ??= origin.close());
  t.after(closeOrigin);
  origin.project = { time: 1_700_000_000_000, isGateOpen: true, greeting: GREETING };
  const proxy = await startProxy({
    origin: origin.url,
    args: ['-p', '1', '--debug-logging', ...argsOf(certificate)],
  });
  t.after(() => proxy.app.stop());
  const changeProject = (): void => {
    origin.project = { time: origin.project.time + 60_000, isGateOpen: false, greeting: LATER_GREETING };
  };
  const url = certificate === undefined ? proxy.url : proxy.httpsUrl;
  return { origin, proxy, url, closeOrigin, changeProject };
}

/** Options of a proxy that has this certificate. */
export function argsOf(certificate: Issued | undefined): readonly string[] {
  if (certificate === undefined) return [];
  const { certPath, keyPath } = certificate;
  return ['--x509-server-cert-path', certPath, '--x509-server-key-path', keyPath];
}

/** However an SDK asks: the origin is asked for whole specs only, and a good key is never called a bad one. */
export async function assertGoodManners({ origin, proxy }: Scene): Promise<void> {
  assert.notEqual(origin.requests.length, 0);
  for (const { url } of origin.requests) assert.doesNotMatch(url, /accept_deltas|checksum/);
  // An answer's line is written when its last byte has left, which may be after the SDK has it.
  await eventually('line of an answer', () => statusesServed(proxy).length > 0);
  const statuses = statusesServed(proxy);
  assert.ok(!statuses.includes(401), `the SDK was refused: ${statuses.join(', ')}`);
}

/** The statuses of all the public answers so far, oldest first. */
export function statusesServed(proxy: TestProxy): readonly unknown[] {
  return proxy.logs.lines
    .filter((line) => String(line['event']).startsWith('HttpServerRequest'))
    .map((line) => line['status']);
}
