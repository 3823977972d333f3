// Options over environment over defaults, every fault reported at once, and a frozen Config at the end.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import type { LogFormat } from '../observability/log-output.js';
import type { LogLevel } from '../observability/logger.js';
import type { DataKey } from '../files/data-keys.js';
import { readAccess, type AccessConfig, type ReadFile } from './access-config.js';
import { readCa, readClientCertificate, type CertificateFiles } from './certificate-files.js';
import type { CommandLine } from './command-line.js';
import { readDataKeys } from './data-keys-config.js';
import { adviceFor, faultsOfSurplus, loadValues, type Loaded, type SettingSources } from './load-settings.js';
import { readOtlp, type OtlpConfig } from './otlp-config.js';
import { readPinnedKeys } from './pinned-keys.js';
import { readPinnedPayloads, type PinnedPayloadName } from './pinned-payload-names.js';
import { readProfiling, type ProfilingConfig } from './profiling-config.js';
import { readRedisConfig, type RedisConfig } from './redis-config.js';
import { faultsOfVariables, idleOptionNotice, idleVariableNotices } from './sfp-leftovers.js';
import { sourceOf } from './setting.js';
import { settings, type SettingValues } from './settings.js';
import { readStatsigProjects, type StatsigProject } from './statsig-projects.js';
import { readTls, type TlsConfig } from './tls-config.js';
import { isServiceVariable, readVariables, type Variables } from './variables.js';
import type { WarmUp } from './warm-up.js';

export type Mode = 'http' | 'grpc' | 'grpc-and-http';
export type Cache = 'disabled' | 'redis' | 'local';

export interface Config extends Omit<SettingValues, 'logLevel' | 'logFormat'> {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly mode: Mode;
  readonly cache: Cache;
  readonly settingSources: SettingSources;
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
  /** Shown to origins; undefined where none was named. */
  readonly originCertificate: CertificateFiles | undefined;
  /** With CACHE `redis` only. */
  readonly redis: RedisConfig | undefined;
  /** PEM text of `redisCaFile`; undefined where none was named. */
  readonly redisCaPem: string | undefined;
  /** Shown to Redis; undefined where none was named. */
  readonly redisCertificate: CertificateFiles | undefined;
  /** Of the public ports; undefined without a certificate. */
  readonly tls: TlsConfig | undefined;
  readonly access: AccessConfig;
  /** Undefined without such a file. */
  readonly dataKeys: ReadFile<readonly DataKey[]> | undefined;
  /** Undefined where nobody asked for metrics there. */
  readonly statsigMetrics: StatsigProject | undefined;
  readonly otlp: OtlpConfig | undefined;
  readonly profiling: ProfilingConfig;
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

const MODES: readonly Mode[] = ['http', 'grpc', 'grpc-and-http'];
const CACHES: readonly Cache[] = ['disabled', 'redis', 'local'];

export function loadConfig(typed: CommandLine, around: Surroundings): Loaded<Config> {
  const variables = readVariables(around.env);
  const { values, sources: settingSources, faults, notices } = loadValues(typed, variables);
  const [mode, cache, ...rest] = typed.operands;
  const all = [
    ...faultsOfOperand('MODE', mode, MODES),
    ...faultsOfOperand('CACHE', cache, CACHES),
    ...faultsOfSurplus(rest),
    ...faults,
    ...faultsOfVariables(variables, cache === 'redis'),
    ...faultsOfLogEventStore(values, cache),
  ];
  const pinned = readPinnedKeys(values, around.readFile);
  const ca = readCa(settings.originCaFile, values.originCaFile, around.readFile);
  const own = readClientCertificate(
    [settings.originCertFile, values.originCertFile],
    [settings.originKeyFile, values.originKeyFile],
    around.readFile,
    around.nowMs,
  );
  const { tls, faults: tlsFaults } = readTls(values, around.readFile, around.nowMs);
  const { access, faults: ofAccess } = readAccess(values, around.readFile);
  const { dataKeys, faults: ofDataKeys } = readDataKeys(values, around.readFile);
  const places = readPlaces(cache, values, around);
  const { statsigMetrics, gateProject, faults: ofStatsig } = readStatsigProjects(values, around.env);
  const instanceName = values.instanceName === '' ? around.hostName : values.instanceName;
  const { otlp, faults: ofOtlp } = readOtlp({ ...values, instanceName }, variables, around.readFile);
  const { profiling, notices: ofProfiling } = readProfiling(values, gateProject, variables);
  all.push(...pinned.faults, ...ca.faults, ...own.faults, ...tlsFaults, ...ofAccess, ...ofDataKeys);
  all.push(...places.faults, ...ofStatsig, ...ofOtlp);
  // Such a folder alone does not prevent a start: the daemon then logs what is off, and tries the folder again.
  if (all.length > 0) return { kind: 'faults', faults: [...all, ...faultsOfFolder(values.dataDir, around)] };
  return {
    kind: 'loaded',
    notices: [
      ...typed.idleOptions.map(idleOptionNotice),
      ...notices,
      ...ofProfiling,
      ...pinned.warmUp.faults.map((fault) => `${sourceOf(settings.startupWarmupKeysJson)}: ${fault}`),
      ...unknownVariables(variables),
    ],
    asides: idleVariableNotices(variables),
    config: Object.freeze({
      ...values,
      mode: mode as Mode,
      cache: cache as Cache,
      settingSources,
      pinnedSdkKeys: pinned.sdkKeys,
      sdkKeysText: pinned.fileText,
      sdkKeyNames: pinned.names,
      pinnedPayloadNames: readPinnedPayloads(values.pinnedPayloads),
      warmUpPayloads: pinned.warmUp.payloads,
      originCaPem: ca.pem,
      originCertificate: own.certificate,
      tls,
      access,
      dataKeys,
      ...places.config,
      statsigMetrics,
      otlp,
      profiling,
      logLevel: values.debugLogging ? 'debug' : (values.logLevel as LogLevel),
      logFormat: values.logFormat as LogFormat,
      instanceName,
    }),
  };
}

function faultsOfFolder(path: string, { folderFault }: Surroundings): readonly string[] {
  const fault = path === '' ? undefined : folderFault(path);
  if (fault === undefined) return [];
  const source = sourceOf(settings.dataDir);
  return [`${source}: ${maskSdkKeysIn(path)} ${fault}: name one, or a place where one can be made`];
}

function faultsOfLogEventStore(
  { logEventStore, dataDir }: SettingValues,
  cache: string | undefined,
): readonly string[] {
  const source = sourceOf(settings.logEventStore);
  if (logEventStore === 'redis' && cache !== 'redis') return [`${source}: 'redis' needs CACHE 'redis'`];
  if (logEventStore !== 'disk' || dataDir !== '') return [];
  return [`${source}: 'disk' needs ${sourceOf(settings.dataDir)}`];
}

type Places = Pick<Config, 'redis' | 'redisCaPem' | 'redisCertificate' | 'specDir'>;

/** Where specs outlive the process. Redis settings are checked only with CACHE `redis`. */
function readPlaces(
  cache: string | undefined,
  values: SettingValues,
  around: Surroundings,
): { readonly config: Places; readonly faults: readonly string[] } {
  const specDir = values.dataDir === '' ? undefined : values.dataDir;
  const nowhere = {
    redis: undefined,
    redisCaPem: undefined,
    redisCertificate: undefined,
    specDir: undefined,
  };
  if (cache === 'local') {
    return { config: { ...nowhere, specDir: specDir ?? around.fallbackDataDir }, faults: [] };
  }
  if (cache === 'redis') {
    const { redis, faults } = readRedisConfig(values, around.readFile);
    const ca = readCa(settings.redisCaFile, values.redisCaFile, around.readFile);
    const own = readClientCertificate(
      [settings.redisCertFile, values.redisCertFile],
      [settings.redisKeyFile, values.redisKeyFile],
      around.readFile,
      around.nowMs,
    );
    return {
      config: { redis, redisCaPem: ca.pem, redisCertificate: own.certificate, specDir },
      faults: [...faults, ...ca.faults, ...own.faults],
    };
  }
  return { config: nowhere, faults: [] };
}

const VARIABLES = Object.values(settings).map(({ env }) => env);

/** Ours that no setting has: mistyped, or of another version. */
function unknownVariables(variables: Variables): readonly string[] {
  return [...variables]
    .filter(([name]) => name.startsWith('SFP_') && !VARIABLES.includes(name) && !isServiceVariable(name))
    .map(
      ([name, { source }]) => `variable ${maskSdkKeysIn(source)} is ignored: ${adviceFor(name, VARIABLES)}`,
    );
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
