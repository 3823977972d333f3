// The command `grpc-health-probe`, for probes that were written for the program of that name, which SFP's image has: its flags, its exit status.
import type { Clock } from '../domain/clock.js';
import type { HealthQuestion } from '../servers/grpc/health-client.js';
import { addressesOf } from './health-probe.js';

/** Of a service's name: one byte of the request has its length. */
const SERVICE_BYTES_MAX = 127;
const { parseArgs } = process.getBuiltinModule('node:util');

export const EXIT = { serving: 0, wrongFlags: 1, noConnection: 2, noAnswer: 3, notServing: 4 } as const;

export interface ProbeReport {
  readonly exitStatus: number;
  readonly text: string;
}

const FLAGS = {
  addr: { type: 'string' },
  service: { type: 'string' },
  'connect-timeout': { type: 'string', default: '1s' },
  'rpc-timeout': { type: 'string', default: '1s' },
  tls: { type: 'boolean' },
  'tls-no-verify': { type: 'boolean' },
  'tls-ca-cert': { type: 'string' },
  'tls-client-cert': { type: 'string' },
  'tls-client-key': { type: 'string' },
  'tls-server-name': { type: 'string' },
} as const;

interface Probe {
  /** Tried one after another. */
  readonly origins: readonly string[];
  readonly question: HealthQuestion;
}

/** Never rejects: no answer is a report too. `readFile`: as text; throws where there is none. */
export async function runGrpcHealthProbe(
  args: readonly string[],
  clock: Clock,
  readFile: (path: string) => string,
): Promise<ProbeReport> {
  let probe: Probe;
  try {
    probe = readProbe(args, readFile);
  } catch (error) {
    return { exitStatus: EXIT.wrongFlags, text: `grpc-health-probe: ${(error as Error).message}` };
  }
  const { askGrpcHealth, NoConnection } = await import('../servers/grpc/health-client.js');
  const failures: string[] = [];
  for (const origin of probe.origins) {
    try {
      const text = await askGrpcHealth(clock, origin, probe.question);
      return { exitStatus: text === 'SERVING' ? EXIT.serving : EXIT.notServing, text };
    } catch (error) {
      const text = `${origin}: ${(error as Error).message}`;
      if (!(error instanceof NoConnection)) return { exitStatus: EXIT.noAnswer, text };
      failures.push(text);
    }
  }
  return { exitStatus: EXIT.noConnection, text: failures.join('; ') };
}

function readProbe(args: readonly string[], readFile: (path: string) => string): Probe {
  const { values } = parseArgs({ args: args.flatMap(inTwoDashes), options: FLAGS });
  const { tls: isTls = false, service } = values;
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(values.addr ?? '') ?? [];
  if (host === undefined) throw new Error('-addr has to be HOST:PORT, or :PORT for this machine');
  const tlsFlags = Object.keys(values).filter((name) => name.startsWith('tls-'));
  if (!isTls && tlsFlags.length > 0) throw new Error(`-${tlsFlags[0]} needs -tls`);
  if (Buffer.byteLength(service ?? '') > SERVICE_BYTES_MAX)
    throw new Error(`-service has to be ${SERVICE_BYTES_MAX} bytes at most`);
  const timeoutMs =
    milliseconds('connect-timeout', values['connect-timeout']) +
    milliseconds('rpc-timeout', values['rpc-timeout']);
  return {
    origins: addressesOf(host === '' ? '::' : host.replace(/^\[(.*)\]$/, '$1'), Number(port)).map(
      (address) => `${isTls ? 'https' : 'http'}://${address}`,
    ),
    // The answer has to come within both, however they are divided.
    question: {
      timeoutMs,
      ...(service !== undefined && { service }),
      ...(isTls && { tls: tlsOf(values, readFile) }),
    },
  };
}

interface TlsFlags {
  readonly 'tls-no-verify'?: boolean;
  readonly 'tls-ca-cert'?: string;
  readonly 'tls-client-cert'?: string;
  readonly 'tls-client-key'?: string;
  readonly 'tls-server-name'?: string;
}

function tlsOf(flags: TlsFlags, readFile: (path: string) => string): NonNullable<HealthQuestion['tls']> {
  const {
    'tls-ca-cert': ca,
    'tls-client-cert': cert,
    'tls-client-key': key,
    'tls-server-name': name,
  } = flags;
  if ((cert === undefined) !== (key === undefined))
    throw new Error('-tls-client-cert and -tls-client-key need each other');
  return {
    rejectUnauthorized: flags['tls-no-verify'] !== true,
    ...(ca !== undefined && { ca: readFile(ca) }),
    ...(cert !== undefined && { cert: readFile(cert) }),
    ...(key !== undefined && { key: readFile(key) }),
    ...(name !== undefined && { servername: name }),
  };
}

/** Go's flags have one dash or two, and switches may have a value: `-tls`, `--tls=true`, `-tls=false`. */
function inTwoDashes(arg: string): readonly string[] {
  const flag = arg.replace(/^-(?=[a-z])/, '--');
  const [, name, value] = /^(--[a-z-]+)=(true|false)$/.exec(flag) ?? [];
  if (name === undefined) return [flag];
  return value === 'true' ? [name] : [];
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** Durations as Go writes them. */
function milliseconds(flag: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m)/g)];
  if (text === '' || parts.map(([part]) => part).join('') !== text)
    throw new Error(`-${flag} has to be a duration, such as 500ms or 2s, not "${text}"`);
  return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS_MS[unit] ?? 0), 0);
}
