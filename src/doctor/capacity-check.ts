// What the machine gives against what settings ask for: open files, memory, and idle connections beside the load balancer's.
import { shareConnections } from '../app/connection-shares.js';
import { payloadsAtStart } from '../app/pinned-payloads.js';
import { toConnectionsAsked, toPinnedPayloadNames } from '../app/room-options.js';
import { fail, pass, warn, type Finding, type Patient } from './check.js';

const MIB = 1024 * 1024;
/** The process before it holds anything: measured with Node 20 and 24. */
const BASE_MIB = 110;
/** While a new version comes in, both are there, and each client encoding is made once more. */
const FORMS_PER_PAYLOAD = 2;
const MEMORY_WARN_PART = 0.7;

export function checkOpenFiles({
  config,
  openFilesMax,
  memoryBytesMax,
}: Pick<Patient, 'config' | 'openFilesMax' | 'memoryBytesMax'>): readonly Finding[] {
  const asked = toConnectionsAsked(config);
  const shares = shareConnections({ openFilesMax, memoryBytesMax }, asked);
  const limits = `open files: ${openFilesMax === Infinity ? 'no limit' : openFilesMax}`;
  const short = Object.entries(asked).filter(
    ([server, wanted]) => (shares[server as keyof typeof asked] ?? 0) < wanted,
  );
  if (short.length === 0) return [pass(`${limits}; enough for every client connection that settings allow`)];
  const lacking = short.map(
    ([server, wanted]) => `${server} ${shares[server as keyof typeof asked] ?? 0} of ${wanted}`,
  );
  return [
    warn(
      `${limits}, memory: ${Math.floor(memoryBytesMax / MIB)} MiB; client connections that fit: ${lacking.join(', ')}`,
      'Raise ulimit -n (LimitNOFILE in systemd) and the memory limit, or lower --http-connections-max and -g.',
    ),
  ];
}

/** By what the pinned keys weigh now. */
export async function checkMemory(
  patient: Pick<Patient, 'config' | 'memoryBytesMax' | 'tried'>,
): Promise<readonly Finding[]> {
  const { config, memoryBytesMax } = patient;
  const limitMib = Math.floor(memoryBytesMax / MIB);
  const { payloads } = await patient.tried();
  const sizes = payloads.flatMap(({ outcome }) =>
    outcome.kind === 'updated' ? [outcome.encodedBytes + outcome.identityBytes] : [],
  );
  const mean = sizes.length === 0 ? 0 : sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const count = payloadsAtStart(config.pinnedSdkKeys, toPinnedPayloadNames(config)).length;
  const specsMib = Math.ceil((mean * count * FORMS_PER_PAYLOAD) / MIB);
  const queueMib = config.dataDir === '' ? config.logEventQueueMaxMib + config.idListFilesMaxMib : 0;
  const allMib = BASE_MIB + specsMib + queueMib + config.remoteValuesMaxMib;
  const parts = [
    `${BASE_MIB} for the process`,
    `up to ${specsMib} for ${count} payloads of pinned keys`,
    ...(queueMib > 0 ? [`up to ${queueMib} for log events and ID lists, as there is no --data-dir`] : []),
    `up to ${config.remoteValuesMaxMib} for remote values`,
  ];
  const what = `memory: ${limitMib} MiB; needed at most: ${allMib} MiB (${parts.join('; ')})`;
  const remedy =
    'Raise the memory limit and --max-old-space-size, name a --data-dir, or lower the *-max-in-mib settings.';
  if (BASE_MIB + specsMib > limitMib) return [fail(what, remedy)];
  return allMib > limitMib * MEMORY_WARN_PART ? [warn(what, remedy)] : [pass(what)];
}

/**
 * Whoever closes an idle connection first wins: where that is this proxy, a request may be on its way to it, and the balancer
 * answers 502.
 */
export function checkKeepAlive({
  config,
  balancerIdleS,
}: Pick<Patient, 'config' | 'balancerIdleS'>): readonly Finding[] {
  if (config.mode === 'grpc') return [pass('no HTTP port: nothing is kept alive')];
  const keptS = config.httpKeepAliveTimeoutS;
  const what = `idle connections of clients are kept for ${keptS} s, by the load balancer for ${balancerIdleS} s`;
  if (keptS > balancerIdleS) return [pass(what)];
  return [
    warn(
      `${what}: now and then a request meets a connection that was just closed (502)`,
      `--http-keep-alive-timeout-in-s above ${balancerIdleS}, or a shorter idle timeout of the balancer; its real one is --balancer-idle-timeout-in-s.`,
    ),
  ];
}
