// Runs the benchmarks named on the command line, or all but the long ones: `npm run bench -- http-hit update-stall`.
import { cold } from './cold.js';
import { cores } from './cores.js';
import { dataAdapters } from './data-adapters.js';
import { fleet } from './fleet.js';
import { events } from './events.js';
import { grpcFanout } from './grpc-fanout.js';
import { growthBodies, growthClients, growthKeys, growthReplicas } from './growth.js';
import { httpHit } from './http-hit.js';
import { memory } from './memory.js';
import { openPages } from './open-pages.js';
import { polls } from './polls.js';
import { randomKeys } from './random-keys.js';
import { replaneLag } from './replane-lag.js';
import { sseFanout } from './sse-fanout.js';
import { start } from './start.js';
import { telemetry } from './telemetry.js';
import { tls } from './tls.js';
import { updateFanout } from './update-fanout.js';
import { updateStall } from './update-stall.js';
import { upstreamH2 } from './upstream-h2.js';
import { versionDiff } from './version-diff.js';

const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = {
  'http-hit': httpHit,
  'update-stall': updateStall,
  polls,
  'grpc-fanout': grpcFanout,
  'update-fanout': updateFanout,
  'sse-fanout': sseFanout,
  'replane-lag': replaneLag,
  fleet,
  'data-adapters': dataAdapters,
  events,
  'upstream-h2': upstreamH2,
  cold,
  memory,
  'growth-keys': growthKeys,
  'growth-clients': growthClients,
  'growth-bodies': growthBodies,
  'growth-replicas': growthReplicas,
  'random-keys': randomKeys,
  start,
  telemetry,
  tls,
  cores,
  'version-diff': versionDiff,
  'open-pages': openPages,
};
/** They take several minutes; `growth-*` also writes its figures into `docs/performance/growth.json`. */
const ONLY_BY_NAME: readonly string[] = [
  'memory',
  'growth-keys',
  'growth-clients',
  'growth-bodies',
  'growth-replicas',
];

const asked = process.argv.slice(2);
const names =
  asked.length > 0 ? asked : Object.keys(BENCHMARKS).filter((name) => !ONLY_BY_NAME.includes(name));
for (const name of names) {
  const run = BENCHMARKS[name];
  if (run === undefined) {
    console.error(`no benchmark '${name}': there are ${Object.keys(BENCHMARKS).join(', ')}`);
    process.exit(2);
  }
  console.log(`\n== ${name}`);
  await run();
}
