// The stage of ID lists: the built proxy before an origin that has them, and what it says of them to who asks without an SDK.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { IdListOrigin } from '../fakes/id-list-origin.js';
import { rawRequest, type RawAnswer } from '../fakes/raw-request.js';
import { startDaemon, type Daemon, type Environment, type Operands } from '../process/daemon.js';

export interface ListProxyOptions extends Operands {
  readonly args?: readonly string[];
  readonly env?: Environment;
}

/** Asks for specs and manifests once a second. */
export function startListProxy(
  t: TestContext,
  origin: IdListOrigin,
  { args = [], env = {}, ...operands }: ListProxyOptions = {},
): Promise<Daemon> {
  return startDaemon(t, origin.url, {
    ...operands,
    args: ['-p', '1', ...args],
    env: {
      LOG_EVENT_STATSIG_ENDPOINT: origin.url,
      ID_LISTS_STATSIG_ENDPOINT: origin.url,
      SFP_ID_LISTS_POLLING_INTERVAL_IN_S: '1',
      ...env,
    },
  });
}

export interface ManifestEntry {
  readonly name: string;
  readonly size: number;
  readonly url: string;
  readonly creationTime: number;
  readonly fileID: string;
}

export type Manifest = Readonly<Record<string, ManifestEntry>>;

/** As the legacy SDK asks for its manifest. */
export function askForManifest({ url }: Pick<Daemon, 'url'>, sdkKey: string): Promise<RawAnswer> {
  return rawRequest(`${url}/v1/get_id_lists`, {
    method: 'POST',
    headers: { 'statsig-api-key': sdkKey, 'content-type': 'application/json; charset=UTF-8' },
    body: '{}',
  });
}

/** Fails where there is none. */
export async function manifestOf(proxy: Pick<Daemon, 'url'>, sdkKey: string): Promise<Manifest> {
  const { status, text } = await askForManifest(proxy, sdkKey);
  assert.equal(status, 200, text);
  return JSON.parse(text) as Manifest;
}

/** What the manifest says of one list; fails where it says nothing. */
export async function entryOf(
  proxy: Pick<Daemon, 'url'>,
  sdkKey: string,
  listName: string,
): Promise<ManifestEntry> {
  const manifest = await manifestOf(proxy, sdkKey);
  return manifest[listName] ?? assert.fail(`no ${listName} in ${JSON.stringify(manifest)}`);
}

/** Whoever keeps the lists' files is asked for bytes by nobody's name, and for manifests by the key alone. */
export function assertGoodListManners(origin: IdListOrigin): void {
  const manifests = origin.requestsOf('manifest');
  assert.notEqual(manifests.length, 0);
  for (const { method, body } of manifests)
    assert.deepEqual({ method, body }, { method: 'POST', body: '{}' });
  for (const { headers, url } of origin.requestsOf('file')) {
    assert.doesNotMatch(JSON.stringify({ headers, url }), /secret-/);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('statsig-')),
      [],
    );
  }
  assert.deepEqual(
    origin.requestsOf('unknown').map(({ url }) => url),
    [],
  );
}
