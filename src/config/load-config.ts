// Options over environment over defaults, every fault reported at once, and a frozen Config at the end.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { certificatesIn } from '../domain/tls-files.js';
import { fileFault } from '../files/small-file.js';
import type { LogFormat } from '../observability/log-output.js';
import type { LogLevel } from '../observability/logger.js';
import { readAccess, type AccessConfig } from './access-config.js';
import type { CommandLine, SettingName } from './command-line.js';
import { readPinnedKeys } from './pinned-keys.js';
import { readPinnedPayloads, type PinnedPayloadName } from './pinned-payload-names.js';
import { readRedisConfig, type RedisConfig } from './redis-config.js';
import { faultsOfVariables, idleOptionNotice, idleVariableNotices } from './sfp-leftovers.js';
import { boundsText, parseSetting, shownValue, sourceOf, type Setting } from './setting.js';
import { settings, type SettingValues } from './settings.js';
import { similarName } from './similar-name.js';
import { readStatsigMetrics, type StatsigMetrics } from './statsig-metrics.js';
import { readTls, type TlsConfig } from './tls-config.js';
import { isServiceAddress, isServiceVariable, readVariables, type Variables } from './variables.js';
import type { WarmUp } from './warm-up.js';

export type Mode = 'http' | 'grpc' | 'grpc-and-http';
export type Cache = 'disabled' | 'redis' | 'local';

export interface Config extends Omit<SettingValues, 'logLevel' | 'logFormat'> {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly mode: Mode;
  readonly cache: Cache;
  readonly pinnedSdkKeys: ReadonlySet<string>;
  /** What `sdkKeysFile` holds; empty where none was named. */
  readonly sdkKeysText: string;
  /** What keys are called, by key. */
  readonly sdkKeyNames: ReadonlyMap<string, string>;
  readonly pinnedPayloadNames: readonly PinnedPayloadName[];
  /** The same for single pinned keys. */
  readonly warmUpPayloads: WarmUp['payloads'];
  /** PEM text of `originCaFile`; undefined where none was named. */
  readonly originCaPem: string | undefined;
  /** With CACHE `redis` only. */
  readonly redis: RedisConfig | undefined;
  /** PEM text of `redisCaFile`; undefined where none was named. */
  readonly redisCaPem: string | undefined;
  /** Of the public ports; undefined without a certificate. */
  readonly tls: TlsConfig | undefined;
  readonly access: AccessConfig;
  /** Undefined where nobody asked for metrics in Statsig. */
  readonly statsigMetrics: StatsigMetrics | undefined;
  /** Where specs are kept on disk; undefined where they are not. */
  readonly specDir: string | undefined;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gives a file's text, or throws. */
  readonly readFile: (path: string) => string;
  readonly hostName: string;
  /** The time, by which certificates are judged. */
  readonly nowMs: number;
  /** The directory that CACHE `local` takes where none is named: of this user alone. */
  readonly fallbackDataDir: string;
  /** Why a folder cannot be used, as the end of a sentence that begins with its path. */
  readonly folderFault: (path: string) => string | undefined;
}

/** What was given and has no effect, in sentences to be logged. */
export interface Ignored {
  /** Somebody may count on these. */
  readonly notices: readonly string[];
  /** Nobody misses anything. */
  readonly asides: readonly string[];
}

export type Loaded<Result> =
  | ({ readonly kind: 'loaded'; readonly config: Result } & Ignored)
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

const MODES: readonly Mode[] = ['http', 'grpc', 'grpc-and-http'];
const CACHES: readonly Cache[] = ['disabled', 'redis', 'local'];

/** The whole configuration of the daemon. */
export function loadConfig(typed: CommandLine, around: Surroundings): Loaded<Config> {
  const variables = readVariables(around.env);
  const { values, faults, notices } = loadValues(typed, variables);
  const [mode, cache, ...rest] = typed.operands;
  const all = [
    ...faultsOfOperand('MODE', mode, MODES),
    ...faultsOfOperand('CACHE', cache, CACHES),
    ...faultsOfSurplus(rest),
    ...faults,
    ...faultsOfVariables(variables, cache === 'redis'),
  ];
  const pinned = readPinnedKeys(values, around.readFile);
  const ca = readCa(settings.originCaFile, values.originCaFile, around.readFile);
  const { tls, faults: tlsFaults } = readTls(values, around.readFile, around.nowMs);
  const { access, faults: ofAccess } = readAccess(values, around.readFile);
  all.push(...pinned.faults, ...ca.faults, ...tlsFaults, ...ofAccess);
  const places = readPlaces(cache, values, around);
  const { statsigMetrics, faults: ofMetrics } = readStatsigMetrics(values, around.env);
  all.push(...places.faults, ...ofMetrics);
  // Such a folder alone does not prevent a start: the daemon then logs what is off, and tries the folder again.
  if (all.length > 0) return { kind: 'faults', faults: [...all, ...faultsOfFolder(values.dataDir, around)] };
  return {
    kind: 'loaded',
    notices: [
      ...typed.idleOptions.map(idleOptionNotice),
      ...notices,
      ...pinned.warmUp.faults.map((fault) => `${sourceOf(settings.startupWarmupKeysJson)}: ${fault}`),
      ...unknownVariables(variables),
    ],
    asides: idleVariableNotices(variables),
    config: Object.freeze({
      ...values,
      mode: mode as Mode,
      cache: cache as Cache,
      pinnedSdkKeys: pinned.sdkKeys,
      sdkKeysText: pinned.fileText,
      sdkKeyNames: pinned.names,
      pinnedPayloadNames: readPinnedPayloads(values.pinnedPayloads),
      warmUpPayloads: pinned.warmUp.payloads,
      originCaPem: ca.pem,
      tls,
      access,
      ...places.config,
      statsigMetrics,
      logLevel: values.debugLogging ? 'debug' : (values.logLevel as LogLevel),
      logFormat: values.logFormat as LogFormat,
      instanceName: values.instanceName === '' ? around.hostName : values.instanceName,
    }),
  };
}

function faultsOfFolder(path: string, { folderFault }: Surroundings): readonly string[] {
  const fault = path === '' ? undefined : folderFault(path);
  if (fault === undefined) return [];
  const source = sourceOf(settings.dataDir);
  return [`${source}: ${maskSdkKeysIn(path)} ${fault}: name one, or a place where one can be made`];
}

type Places = Pick<Config, 'redis' | 'redisCaPem' | 'specDir'>;

/** Where specs outlive the process. Redis settings are checked only with CACHE `redis`. */
function readPlaces(
  cache: string | undefined,
  values: SettingValues,
  around: Surroundings,
): { readonly config: Places; readonly faults: readonly string[] } {
  const specDir = values.dataDir === '' ? undefined : values.dataDir;
  const nowhere = { redis: undefined, redisCaPem: undefined, specDir: undefined };
  if (cache === 'local') {
    return { config: { ...nowhere, specDir: specDir ?? around.fallbackDataDir }, faults: [] };
  }
  if (cache === 'redis') {
    const { redis, faults } = readRedisConfig(values, around.readFile);
    const ca = readCa(settings.redisCaFile, values.redisCaFile, around.readFile);
    return { config: { redis, redisCaPem: ca.pem, specDir }, faults: [...faults, ...ca.faults] };
  }
  return { config: nowhere, faults: [] };
}

/** Only the settings: what a subcommand needs that starts no daemon. The first operand is the subcommand itself. */
export function loadSettings(typed: CommandLine, { env }: Pick<Surroundings, 'env'>): Loaded<SettingValues> {
  const loaded = loadValues(typed, readVariables(env));
  const { values, notices } = loaded;
  const faults = [...faultsOfSurplus(typed.operands.slice(1)), ...loaded.faults];
  return faults.length > 0
    ? { kind: 'faults', faults }
    : { kind: 'loaded', config: values, notices, asides: [] };
}

function loadValues(
  typed: CommandLine,
  variables: Variables,
): {
  readonly values: SettingValues;
  readonly faults: readonly string[];
  readonly notices: readonly string[];
} {
  const values: Record<string, unknown> = {};
  const faults = typed.unknownOptions.map(
    (option) => `unknown option ${maskSdkKeysIn(option)}: ${adviceFor(option, FLAGS)}`,
  );
  const notices: string[] = [];
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting][]) {
    // A faulty setting gets its default, so that the others can still be judged.
    values[name] = defaultOf(setting);
    const given = find(name, setting, typed, variables);
    if (given === undefined) continue;
    const text = given.isVariable ? given.text : '';
    if (setting.kind === 'integer' && text !== true && isServiceAddress(text)) {
      notices.push(`${given.source} is ignored: Kubernetes sets it to the address of a Service`);
      continue;
    }
    try {
      values[name] = valueOf(setting, given.text);
    } catch (error) {
      faults.push(faultOf(setting, given, error as Error));
    }
  }
  const isGiven = (name: SettingName): boolean => find(name, settings[name], typed, variables) !== undefined;
  // As in SFP since 4.2: a closed network has one way out for all of them.
  if (!isGiven('idListsStatsigEndpoint') && isGiven('statsigEndpoint')) {
    values['idListsStatsigEndpoint'] = values['statsigEndpoint'];
  }
  return { values: values as unknown as SettingValues, faults, notices };
}

function faultOf(setting: Setting, { source, text }: Given, { message }: Error): string {
  const shown = text === true ? [] : [shownValue(setting, text)];
  const bounds = message.includes(boundsText(setting)) ? [] : [`(${boundsText(setting)})`];
  return [`${source}:`, ...shown, message, ...bounds].join(' ');
}

const FLAGS = Object.values(settings).map(({ flag }) => `--${flag}`);
const VARIABLES = Object.values(settings).map(({ env }) => env);

/** Ours that no setting has: mistyped, or of another version. */
function unknownVariables(variables: Variables): readonly string[] {
  return [...variables]
    .filter(([name]) => name.startsWith('SFP_') && !VARIABLES.includes(name) && !isServiceVariable(name))
    .map(
      ([name, { source }]) => `variable ${maskSdkKeysIn(source)} is ignored: ${adviceFor(name, VARIABLES)}`,
    );
}

function adviceFor(name: string, names: readonly string[]): string {
  const meant = similarName(name, names);
  return meant === undefined ? 'this version does not have it, see --help-all' : `did you mean ${meant}?`;
}

interface Given {
  readonly text: string | true;
  /** Where the text comes from, in words. */
  readonly source: string;
  readonly isVariable: boolean;
}

function find(
  name: SettingName,
  setting: Setting,
  typed: CommandLine,
  variables: Variables,
): Given | undefined {
  const option = typed.options.get(name);
  if (option !== undefined) return { text: option, source: `--${setting.flag}`, isVariable: false };
  const variable = variables.get(setting.env);
  return variable && { ...variable, isVariable: true };
}

function valueOf(setting: Setting, text: string | true): unknown {
  if (text !== true) return parseSetting(setting, text);
  if (setting.kind === 'switch' || setting.kind === 'flag') return true;
  throw new Error('needs a value');
}

function defaultOf(setting: Setting): unknown {
  return setting.kind === 'url' ? parseSetting(setting, setting.default) : setting.default;
}

function faultsOfOperand(
  name: string,
  given: string | undefined,
  accepted: readonly string[],
): readonly string[] {
  if (given !== undefined && accepted.includes(given)) return [];
  const choice = accepted.map((value) => `'${value}'`).join(', ');
  if (given === undefined) return [`${name} is required: one of ${choice}`];
  return [`${name} '${maskSdkKeysIn(given)}' is unknown: must be one of ${choice}`];
}

function faultsOfSurplus(operands: readonly string[]): readonly string[] {
  return operands.map(
    (operand) => `unexpected argument '${maskSdkKeysIn(operand)}': only options may follow MODE and CACHE`,
  );
}

/** Certificate authorities from a file; none where `path` is empty. */
export function readCa(
  setting: Setting,
  path: string,
  readFile: (path: string) => string,
): { readonly pem: string | undefined; readonly faults: readonly string[] } {
  if (path === '') return { pem: undefined, faults: [] };
  const source = sourceOf(setting);
  const shown = maskSdkKeysIn(path);
  try {
    const pem = readFile(path);
    if (certificatesIn(pem).length > 0) return { pem, faults: [] };
    return {
      pem: undefined,
      faults: [`${source}: ${shown} contains no readable certificate: name a PEM file`],
    };
  } catch (error) {
    return { pem: undefined, faults: [`${source}: ${fileFault(path, error)}`] };
  }
}
