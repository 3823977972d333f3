// The `shadow` subcommand: compares the proxy with another one, or with an origin, in all forms that SDKs ask for, for a while.
import type { World } from '../app/world.js';
import { toUpstreamOptions } from '../app/room-options.js';
import type { CommandLine } from '../config/command-line.js';
import { loadConfig, type Config, type Surroundings } from '../config/load-config.js';
import type { TakenOptions } from '../config/own-options.js';
import { sourceOf } from '../config/setting.js';
import { settings } from '../config/settings.js';
import type { shadowOptions } from '../config/subcommand-options.js';
import { maskSdkKeysIn, nameSdkKeys } from '../domain/sdk-key.js';
import { runRounds } from './rounds.js';
import { toText, verdictOf, type ShadowReport } from './shadow-text.js';
import { Side } from './side.js';

export type ShadowOptions = Omit<TakenOptions<typeof shadowOptions>, 'rest'>;

export type ShadowOutcome =
  { readonly text: string; readonly status: 0 | 1 } | { readonly faults: readonly string[] };

/** MODE and CACHE are of no interest, and may be left out. */
const ANY_OPERANDS = ['http', 'disabled'];

/** `stopping`: ends it early, with the report so far. */
export async function shadow(
  line: CommandLine,
  { values, faults }: ShadowOptions,
  around: Surroundings,
  world: Pick<World, 'clock' | 'version' | 'lookup'>,
  stopping: AbortSignal,
): Promise<ShadowOutcome> {
  const operands = line.operands.length === 0 ? ANY_OPERANDS : line.operands;
  const loaded = loadConfig({ ...line, operands }, around);
  if (loaded.kind === 'faults') return { faults: [...faults, ...loaded.faults] };
  const { config } = loaded;
  const base = values.base ?? daemonHere(config);
  const { against } = values;
  const wrong = [
    ...faults,
    ...(against === undefined ? ['--against is missing: the URL of the proxy to compare with'] : []),
    ...(typeof base === 'string' ? [base] : []),
    ...(config.pinnedSdkKeys.size === 0
      ? [`no SDK key is named: set ${sourceOf(settings.sdkKeysFile)} or ${sourceOf(settings.sdkKeys)}`]
      : []),
  ];
  if (wrong.length > 0 || against === undefined || typeof base === 'string') return { faults: wrong };
  nameSdkKeys(config.sdkKeyNames);
  const report = await compare(config, world, { base, against }, values, stopping);
  const text = values.json ? `${JSON.stringify(report, undefined, 2)}\n` : toText(report);
  return { text, status: report.verdict === 'different' ? 1 : 0 };
}

async function compare(
  config: Config,
  { clock, version, lookup }: Pick<World, 'clock' | 'version' | 'lookup'>,
  { base, against }: { readonly base: URL; readonly against: URL },
  { forS, intervalS, lateS }: ShadowOptions['values'],
  stopping: AbortSignal,
): Promise<ShadowReport> {
  const common = { ...toUpstreamOptions(config, version), version, lookup };
  // Ours is in this cluster: an outbound proxy would be the wrong way to it.
  const ours = new Side(clock, { ...common, url: base, httpProxy: '', httpsProxy: '' });
  const theirs = new Side(clock, { ...common, url: against });
  const times = { forMs: forS * 1000, intervalMs: intervalS * 1000, lateMsMax: lateS * 1000 };
  try {
    const sides = { base: ours, against: theirs };
    const keys = await runRounds(clock, sides, [...config.pinnedSdkKeys], times, stopping);
    const [from, to] = [base, against].map(({ href }) => maskSdkKeysIn(href));
    return { base: from ?? '', against: to ?? '', verdict: verdictOf(keys), keys };
  } finally {
    await Promise.all([ours.close(), theirs.close()]);
  }
}

const EVERY_ADDRESS = ['::', '0.0.0.0'];

/** What to say where it has no port that can be asked. */
function daemonHere({ host, httpPort, tls }: Config): URL | string {
  if (tls?.plainToo === false)
    return '--base is missing: the daemon here serves with TLS alone, so name it as its certificate does';
  if (httpPort === 0) return '--base is missing: the daemon here takes any port that is free';
  const name = EVERY_ADDRESS.includes(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return new URL(`http://${name}:${httpPort}`);
}
