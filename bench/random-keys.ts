// Memory after 100,000 requests with random keys: nothing that a stranger sends may stay.
import autocannon from 'autocannon';
import { startChildServer } from './child-server.js';

const REQUESTS = 100_000;
/** More than any table of refusals has entries. */
const WARM_UP_REQUESTS = 20_000;
const CONNECTIONS = 64;
/** Of what is referenced: 50 bytes for each request. Pages that the allocator keeps for later come and go by more than that. */
const GROWTH_MB_MAX = 5;
/** Long URLs, as a key cut out of one may keep the whole of it alive. */
const PADDING = 'x'.repeat(4_000);

export async function randomKeys(): Promise<void> {
  const origin = await startChildServer('./servers/origin-server.ts', { fillerGates: 10, encoding: 'br' });
  const proxy = await startChildServer('./servers/proxy-server.ts', { origin: origin.url });
  // The tables of refusals are full, and the code is compiled, before the first figure is taken.
  await send(proxy.url, WARM_UP_REQUESTS, 'warm');
  const before = await proxy.usage();
  const result = await send(proxy.url, REQUESTS, 'load');
  const after = await proxy.usage();
  const { requests } = await origin.ask({ kind: 'count' });
  await proxy.stop();
  await origin.stop();
  const growthMb = (after.heldBytes - before.heldBytes) / 1e6;
  const verdict = growthMb <= GROWTH_MB_MAX ? 'met' : 'MISSED';
  console.log(
    `  ${REQUESTS} requests at ${result.requests.average.toFixed(0)} a second, ${String(requests)} went upstream`,
  );
  console.log(`  answers: ${JSON.stringify(result.statusCodeStats)}`);
  for (const [when, { heldBytes, rssBytes }] of Object.entries({ before, after })) {
    console.log(
      `  ${when}: ${(heldBytes / 1e6).toFixed(1)} MB held, ${(rssBytes / 1e6).toFixed(0)} MB resident`,
    );
  }
  console.log(`  growth: ${growthMb.toFixed(1)} MB (wanted at most ${GROWTH_MB_MAX}: ${verdict})`);
}

function send(url: string, amount: number, name: string): Promise<autocannon.Result> {
  let sent = 0;
  return autocannon({
    url,
    amount,
    connections: CONNECTIONS,
    requests: [
      {
        setupRequest: (request) => {
          sent += 1;
          // Each different from every other, in the path and in what else a cache might be keyed by.
          const path = `/v${(sent % 2) + 1}/download_config_specs/random-${name}-${sent}.json?sinceTime=${sent}&pad=${PADDING}`;
          return { ...request, path, headers: { 'accept-encoding': `gzip;q=0.${sent % 1000}` } };
        },
      },
    ],
  });
}
