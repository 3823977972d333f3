// What the built proxy takes for 500 specs that clients read as gzip, beside the bodies themselves; then in every encoding; then after a quiet minute.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { startBuiltProxy, type BuiltProxy } from './built-proxy.js';
import { startChildServer } from './child-server.js';

const KEYS = 500;
const AT_ONCE = 8;
/** Makes a v2 spec of 1.43 MB. */
const FILLER_GATES = 3_725;
const BESIDE_BODIES_MB_MAX = 100;
/** Forms are dropped a minute after they were read, at the next look. */
const QUIET_MS = 85_000;

interface Held {
  readonly rssMb: number;
  /** Of all forms of all payloads, as the proxy counts them. */
  readonly bodiesMb: number;
}

export async function memory(): Promise<void> {
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: FILLER_GATES,
    hasRandomIds: true,
    encoding: 'asked',
  });
  const proxy = await startBuiltProxy(origin.url, ['disabled', '-m', '1000']);
  await proxy.untilReady();
  print('empty', await heldBy(proxy));
  await askForAll(proxy, 'gzip');
  const read = await heldBy(proxy);
  print(`${KEYS} keys, read as gzip`, read);
  const besideMb = read.rssMb - read.bodiesMb;
  const fileMb = proxy.fileBytes() / 1e6;
  const verdict = besideMb <= BESIDE_BODIES_MB_MAX ? 'met' : 'MISSED';
  console.log(
    `  beside the bodies: ${besideMb.toFixed(0)} MB (wanted at most ${BESIDE_BODIES_MB_MAX}: ${verdict}), ${fileMb.toFixed(0)} of them pages of Node's own file`,
  );
  for (const encoding of ['br', 'identity']) await askForAll(proxy, encoding);
  print('the same, in every encoding', await heldBy(proxy));
  await pause(QUIET_MS);
  const quiet = await heldBy(proxy);
  print(`after ${QUIET_MS / 1000} s without clients`, quiet);
  const isGone = quiet.bodiesMb <= read.bodiesMb;
  console.log(`  forms that nobody reads are gone: ${isGone ? 'met' : 'MISSED'}`);
  await proxy.stop();
  await origin.stop();
}

async function heldBy(proxy: BuiltProxy): Promise<Held> {
  const page = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
  const sizes = [...page.matchAll(/^sfp_spec_bytes\{.*\} (\d+)$/gm)].map(([, bytes]) => Number(bytes));
  return { rssMb: proxy.rssBytes() / 1e6, bodiesMb: sizes.reduce((sum, size) => sum + size, 0) / 1e6 };
}

async function askForAll(proxy: BuiltProxy, accepted: string): Promise<void> {
  const agent = new Agent({ connections: AT_ONCE });
  const paths = Array.from(
    { length: KEYS },
    (_none, at) => `/v2/download_config_specs/secret-memory-${at}.json`,
  );
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
      const headers = { 'accept-encoding': accepted };
      const { body, statusCode } = await agent.request({ origin: proxy.url, path, method: 'GET', headers });
      await body.dump({ limit: Infinity });
      if (statusCode !== 200) throw new Error(`the proxy answers ${statusCode}`);
    }
  });
  await Promise.all(lanes);
  await agent.close();
}

function print(name: string, { rssMb, bodiesMb }: Held): void {
  console.log(`  ${name.padEnd(30)} ${rssMb.toFixed(0)} MB in all, ${bodiesMb.toFixed(0)} MB of bodies`);
}
