// A proxy before an origin whose specs name remote values, and the requests that SDKs make for them.
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { NamedValue } from '../../../../src/domain/named-value.js';
import { startFakeOrigin, type FakeOrigin } from '../../../fakes/fake-origin.js';
import { SDK_KEY, startProxy, type TestProxy, type TestProxyOptions } from '../../../fakes/proxy.js';
import { rawRequest, type RawAnswer } from '../../../fakes/raw-request.js';

export interface Value extends NamedValue {
  readonly bytes: Buffer;
}

/** Some kB of JSON that compress well. */
export function value(text: string, repeats = 100): Value {
  const bytes = Buffer.from(JSON.stringify({ text, filler: 'remote '.repeat(repeats) }));
  return { sha256: sha256Of(bytes), byteLength: bytes.length, bytes };
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function nameOf({ sha256, byteLength }: Value): NamedValue {
  return { sha256, byteLength };
}

/** The headers that oai-statsig-rust sends with every request, key included. */
export const SDK_HEADERS = {
  'statsig-api-key': SDK_KEY,
  'statsig-sdk-type': 'statsig-server-core-python',
  'statsig-sdk-version': '0.37.0',
  'statsig-server-session-id': '5ef1a8a6-5a5f-4a7e-9a3a-1f3f6b7a0c11',
  'accept-encoding': 'gzip, br',
  accept: '*/*',
};

export class ValueScene {
  readonly origin: FakeOrigin;
  #proxies: TestProxy[] = [];

  constructor(origin: FakeOrigin) {
    this.origin = origin;
  }

  static async start(t: TestContext): Promise<ValueScene> {
    const scene = new ValueScene(await startFakeOrigin());
    t.after(() => scene.close());
    return scene;
  }

  async startProxy(options: Omit<TestProxyOptions, 'origin'> = {}): Promise<TestProxy> {
    const proxy = await startProxy({ origin: this.origin.url, ...options });
    this.#proxies.push(proxy);
    return proxy;
  }

  /** The origin has them; `project.namedValues` is another matter. */
  offer(...values: readonly Value[]): void {
    for (const { sha256, bytes } of values) this.origin.values.set(sha256, bytes);
  }

  /** A newer version of the project, whose configs name these values. */
  publish(...values: readonly Value[]): number {
    const time = this.origin.project.time + 1_000;
    this.origin.project = { ...this.origin.project, time, namedValues: values.map(nameOf) };
    return time;
  }

  /** How often the origin was asked for a value. */
  asked({ sha256 }: NamedValue): number {
    return this.origin.requests.filter(({ url }) => url.endsWith(sha256)).length;
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map(({ app }) => app.stop()));
    await this.origin.close();
  }
}

/** As the SDK asks: relative paths are resolved against the URL of its specs. */
export function ask(
  proxy: TestProxy,
  sha256: string,
  headers: Readonly<Record<string, string>> = SDK_HEADERS,
  method = 'GET',
): Promise<RawAnswer> {
  return rawRequest(`${proxy.url}/v1/dynamic_config_value/${sha256}`, { method, headers });
}

/** The body as SDKs decode it. */
export function decoded({ headers, bytes }: RawAnswer): Buffer {
  switch (headers['content-encoding']) {
    case 'gzip':
      return gunzipSync(bytes);
    case 'br':
      return brotliDecompressSync(bytes);
    default:
      return bytes;
  }
}

/** What the SDK checks of an answer before it takes the value, as `verify_body` does. */
export function isTakenBySdk(answer: RawAnswer, named: NamedValue): boolean {
  const body = decoded(answer);
  return (
    answer.status === 200 &&
    answer.headers['content-type'] === 'application/json' &&
    body.length === named.byteLength &&
    sha256Of(body) === named.sha256
  );
}

/** Of the spec that the proxy serves; undefined where it serves none. */
export async function servedVersion(
  proxy: TestProxy,
  path = '/v2/download_config_specs',
): Promise<number | undefined> {
  const headers = { ...SDK_HEADERS, 'accept-encoding': 'identity' };
  const answer = await rawRequest(`${proxy.url}${path}`, { headers });
  return answer.status === 200 ? Number(answer.headers['x-since-time']) : undefined;
}
