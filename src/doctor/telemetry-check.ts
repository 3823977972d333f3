// Receivers of metrics: whether anybody listens where statsd lines and OpenTelemetry exports are to go.
import { createSocket } from 'node:dgram';
import type { Config } from '../config/load-config.js';
import type { Clock } from '../domain/clock.js';
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { withoutLogins } from '../domain/url-login.js';
import { errorCode } from '../files/file-system.js';
import { openUnixSender } from '../observability/statsd/unix-sender.js';
import { systemLookup } from '../network/addresses.js';
import { pass, warn, type Finding, type Patient } from './check.js';

/** A host without a receiver says so at once, where it says anything. */
const REFUSAL_MS_MAX = 500;
const SHOWN_CHARACTERS_MAX = 200;
/** Receivers ignore a datagram with nothing in it. */
const NOTHING = Buffer.alloc(0);

export async function checkTelemetry(
  patient: Pick<Patient, 'config' | 'clock' | 'log' | 'lookup'>,
): Promise<readonly Finding[]> {
  const { config } = patient;
  const findings = [
    ...(config.statsdLogging || config.datadogLogging ? [await checkStatsd(patient)] : []),
    ...(config.otlp === undefined ? [] : await checkOtlp(patient, config.otlp)),
  ];
  return findings.length > 0 ? findings : [pass('metrics are sent to no receiver')];
}

async function checkStatsd({
  config,
  clock,
  lookup = systemLookup,
}: Pick<Patient, 'config' | 'clock' | 'lookup'>): Promise<Finding> {
  const { statsdSocket: path, statsdHost: host, statsdPort: port } = config;
  const name = path === '' ? `statsd receiver ${host}:${port}` : `statsd receiver ${path}`;
  try {
    if (path === '') {
      const [address = ''] = await lookup(host);
      await sendNothing(clock, address, port);
      return pass(`${name}: nobody refuses datagrams (UDP does not say more)`);
    }
    await sendNothingTo(path);
    return pass(`${name} takes datagrams`);
  } catch (error) {
    const why = errorCode(error) || (error as Error).message;
    const remedy =
      'Check STATSD_HOST_OVERRIDE, STATSD_PORT_OVERRIDE or STATSD_SOCKET, and that the agent runs.';
    return warn(`${name}: ${why}`, remedy);
  }
}

/** Rejects where the host says that nobody listens. */
async function sendNothing(clock: Clock, address: string, port: number): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.send(NOTHING, (error) => {
          if (error) reject(error);
          // And one turn more: a process that was held up meanwhile has the refusal still before it.
          else clock.schedule(REFUSAL_MS_MAX, () => clock.schedule(1, resolve));
        });
      });
      // Only a connected socket is told of a refusal; one that cannot be connected tells a callback instead of a listener.
      socket.connect(port, address);
    });
  } finally {
    socket.close();
  }
}

async function sendNothingTo(path: string): Promise<void> {
  const sender = await openUnixSender(path);
  try {
    await new Promise<void>((resolve, reject) => {
      sender.send(NOTHING, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } finally {
    sender.close();
  }
}

/** Its libraries are loaded only here. */
async function checkOtlp(
  { clock, log }: Pick<Patient, 'clock' | 'log'>,
  otlp: NonNullable<Config['otlp']>,
): Promise<readonly Finding[]> {
  const { probeReceivers } = await import('../observability/otlp/receiver-probe.js');
  const probed = await probeReceivers(clock, log, otlp);
  return probed.map(({ signal, url, failure }) => {
    const name = `OpenTelemetry receiver of ${signal}, ${withoutLogins(url)}`;
    if (failure === undefined) return pass(`${name}: takes exports`);
    const why = maskSdkKeysIn(failure.slice(0, SHOWN_CHARACTERS_MAX));
    return warn(`${name}: ${why}`, 'Check the OTEL_EXPORTER_OTLP_… variables, and that the collector runs.');
  });
}
