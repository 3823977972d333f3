// The way out: one request without a key to each origin, over the daemon's own connections, and its clock beside ours.
import { toUpstreamOptions } from '../app/room-options.js';
import type { Failure } from '../domain/failure.js';
import { answerInTime } from '../http-client/answer-in-time.js';
import { discard } from '../http-client/exchange.js';
import { UpstreamPool } from '../http-client/upstream-pool.js';
import { fail, pass, warn, type Finding, type Patient } from './check.js';
import { originsOf, type NamedOrigin } from './origins.js';

const ANSWER_MS = 10_000;
/** `Date` has whole seconds, and the answer takes its time. */
const SKEW_WARN_MS = 10_000;
/** Beyond this, tokens and certificates that were just issued are refused. */
const SKEW_FAIL_MS = 300_000;
const SERVER_ERROR = 500;
const PROXY_LOGIN_WANTED = 407;

type Needed = Pick<Patient, 'config' | 'clock' | 'version' | 'lookup'>;

interface Reached {
  readonly kind: 'reached';
  readonly status: number;
  readonly tookMs: number;
  /** How far our clock is ahead; undefined where the origin does not tell the time. */
  readonly aheadMs: number | undefined;
}

export async function checkOrigins(patient: Needed): Promise<Finding[]> {
  const { config, clock, version, lookup } = patient;
  const pool = new UpstreamPool(clock, { ...toUpstreamOptions(config, version), lookup });
  try {
    const found = await Promise.all(
      originsOf(config).map(async (origin) => [origin, await reach(patient, pool, origin)] as const),
    );
    const clocks = found.flatMap(([{ url }, answer]) =>
      answer.kind === 'reached' && answer.aheadMs !== undefined ? judgeClock(url.host, answer.aheadMs) : [],
    );
    return [...found.map(([origin, answer]) => judge(origin, answer)), ...clocks];
  } finally {
    await pool.close();
  }
}

async function reach(
  { config, clock, version }: Needed,
  pool: UpstreamPool,
  { url }: NamedOrigin,
): Promise<Reached | Failure> {
  const startMs = clock.monotonicMs();
  const headers = { 'user-agent': `spec-forward-proxy/${version}`, accept: '*/*' };
  const limitMs = Math.min(ANSWER_MS, toUpstreamOptions(config, version).requestTimeoutMs);
  return await answerInTime(clock, pool, limitMs, async (signal): Promise<Reached> => {
    const response = await pool.get(new URL('/', url), headers, signal);
    const tookMs = clock.monotonicMs() - startMs;
    const toldMs = Date.parse(String(response.headers['date']));
    // The origin wrote it within the time that the answer took; a part of a second is cut off.
    const aheadMs = clock.nowMs() - tookMs / 2 - (toldMs + 500);
    await discard(response);
    return {
      kind: 'reached',
      status: response.statusCode,
      tookMs,
      aheadMs: Number.isNaN(toldMs) ? undefined : aheadMs,
    };
  });
}

function judge({ url, uses, outboundProxy }: NamedOrigin, answer: Reached | Failure): Finding {
  const way = outboundProxy === '' ? '' : ', by the outbound proxy unless NO_PROXY names it';
  const name = `${url.origin} (${uses.join(', ')}${way})`;
  if (answer.kind === 'failed')
    return fail(`${name}: ${answer.reason} (${answer.detail})`, remedyFor(answer.reason));
  const what = `${name}: HTTP status ${answer.status} in ${Math.round(answer.tookMs)} ms`;
  if (answer.status === PROXY_LOGIN_WANTED)
    return fail(what, 'Put user and password into HTTPS_PROXY or HTTP_PROXY.');
  // A request without a key may be answered with any other status.
  if (answer.status >= SERVER_ERROR)
    return warn(what, 'Ask whoever runs the origin, or the gateway in front of it.');
  return pass(what);
}

const REMEDIES: Readonly<Record<string, string>> = {
  connect_timeout: 'Open the way out: firewall, NetworkPolicy, security group, or set HTTPS_PROXY.',
  connection_refused: 'Nothing listens there: check host and port of the setting.',
  connection_lost:
    'Something on the way breaks connections: a firewall or proxy that does not like this host.',
  dns_failed: 'Check the name in the settings and the DNS of this machine.',
  tls_failed:
    'Name the authority of whoever inspects or issues TLS there by --origin-ca-file (SFP_ORIGIN_CA_FILE).',
  outbound_proxy_failed:
    'Check HTTPS_PROXY and HTTP_PROXY: its host, port, login, and that it lets this host through.',
  request_timeout: 'The connection stands, but no answer comes: look at proxies and firewalls on the way.',
  headers_timeout: 'The connection stands, but no answer comes: look at proxies and firewalls on the way.',
  bad_http: 'What answers there does not speak HTTP: check the port of the setting.',
};

export function remedyFor(reason: string): string {
  return REMEDIES[reason] ?? 'See docs/reasons.md for what the reason means.';
}

function judgeClock(host: string, aheadMs: number): Finding[] {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const what = `this machine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${host}`;
  const remedy = 'Set the clock by NTP: versions, certificates and tokens are judged by it.';
  if (Math.abs(aheadMs) >= SKEW_FAIL_MS) return [fail(what, remedy)];
  if (Math.abs(aheadMs) >= SKEW_WARN_MS) return [warn(what, remedy)];
  return [pass(`this machine's clock agrees with that of ${host}`)];
}
