// Where Redis is and how it is entered, out of settings that say it in several ways; contradictions become faults.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import { fileFault } from '../files/small-file.js';
import type { RedisAddress, RedisNode } from '../storage/redis/redis-address.js';
import { sourceOf } from './setting.js';
import { settings as rows, type SettingValues } from './settings.js';

export interface RedisConfig {
  readonly address: RedisAddress;
  /** Empty: none. */
  readonly user: string;
  readonly password: string;
  /** Empty: none. */
  readonly passwordFile: string;
  readonly database: number;
  readonly hasTls: boolean;
}

type RedisSettings = Pick<
  SettingValues,
  | 'redisHost'
  | 'redisPort'
  | 'redisUser'
  | 'redisPassword'
  | 'redisPasswordFile'
  | 'redisDatabase'
  | 'redisTls'
  | 'redisUrl'
  | 'redisCluster'
  | 'redisSentinelName'
  | 'redisSentinelUser'
  | 'redisSentinelPassword'
  | 'redisNodes'
  | 'redisCertFile'
>;

/** `readFile` gives a file's text, or throws. */
export function readRedisConfig(
  settings: RedisSettings,
  readFile: (path: string) => string,
): { readonly redis: RedisConfig; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const server = settings.redisUrl === '' ? fromSettings(settings) : fromUrl(settings.redisUrl, faults);
  const nodes = settings.redisNodes === '' ? [server.node] : settings.redisNodes.split(',').map(toNode);
  for (const { host, port } of nodes.filter((node) => node.port < 1 || node.port > 65_535)) {
    const shown = `'${maskSdkKeysIn(host)}:${port}'`;
    faults.push(`${sourceOf(rows.redisNodes)}: the port of ${shown} is out of bounds (1 to 65535)`);
  }
  const isSentinel = settings.redisSentinelName !== '';
  if (settings.redisCluster && isSentinel) {
    faults.push(
      '--redis-cluster and --redis-sentinel-name: Redis is either a cluster or found by sentinels; set one of the two',
    );
  }
  if (settings.redisNodes !== '' && !settings.redisCluster && !isSentinel) {
    faults.push(`${sourceOf(rows.redisNodes)} needs --redis-cluster or --redis-sentinel-name`);
  }
  const passwordFile = settings.redisPasswordFile;
  if (passwordFile !== '') {
    faults.push(...faultsOfPasswordFile(passwordFile, server.rest.password, readFile));
  }
  faults.push(...faultsOfCertFile(settings, server));
  if (settings.redisCluster && server.database !== 0) {
    faults.push(`${sourceOf(rows.redisCluster)}: a cluster has no database ${server.database}, only 0`);
  }
  return {
    redis: {
      ...server.rest,
      passwordFile,
      database: server.database,
      address: toAddress(settings, nodes, server.node),
    },
    faults,
  };
}

function faultsOfCertFile({ redisCertFile }: RedisSettings, { rest }: Server): readonly string[] {
  if (redisCertFile === '' || rest.hasTls) return [];
  const tls = `${sourceOf(rows.redisTls)}, or a rediss:// URL`;
  return [`${sourceOf(rows.redisCertFile)} needs TLS, or the certificate is never shown: set ${tls}`];
}

function faultsOfPasswordFile(
  path: string,
  password: string,
  readFile: (path: string) => string,
): readonly string[] {
  const source = sourceOf(rows.redisPasswordFile);
  const faults = password === '' ? [] : [`${source}: a password is set as well; set one of the two`];
  try {
    readFile(path);
  } catch (error) {
    faults.push(`${source}: ${fileFault(path, error)}`);
  }
  return faults;
}

interface Server {
  readonly node: RedisNode;
  readonly database: number;
  readonly rest: Pick<RedisConfig, 'user' | 'password' | 'hasTls'>;
}

function toAddress(settings: RedisSettings, nodes: readonly RedisNode[], node: RedisNode): RedisAddress {
  if (settings.redisCluster) return { kind: 'cluster', nodes };
  if (settings.redisSentinelName === '') return { kind: 'standalone', ...node };
  return {
    kind: 'sentinel',
    masterName: settings.redisSentinelName,
    sentinels: nodes,
    sentinelUser: settings.redisSentinelUser,
    sentinelPassword: settings.redisSentinelPassword,
  };
}

function fromSettings(settings: RedisSettings): Server {
  return {
    node: { host: settings.redisHost, port: settings.redisPort },
    database: settings.redisDatabase,
    rest: { user: settings.redisUser, password: settings.redisPassword, hasTls: settings.redisTls },
  };
}

const NO_SERVER: Server = {
  node: { host: 'localhost', port: 6379 },
  database: 0,
  rest: { user: '', password: '', hasTls: false },
};

/** Nothing of the URL gets into a fault: a password may be in it, and may be what makes it wrong. */
function fromUrl(text: string, faults: string[]): Server {
  const source = `${sourceOf(rows.redisUrl)}: its value, which is not shown,`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') {
    faults.push(
      `${source} must be a redis:// or rediss:// URL with a host; write @ : / ? # % in names as %40 and so on`,
    );
    return NO_SERVER;
  }
  const database = /^\/?(\d{0,7})$/.exec(url.pathname + url.search + url.hash)?.[1];
  if (database === undefined) {
    faults.push(`${source} must have nothing after the host but a port and the number of a database`);
    return NO_SERVER;
  }
  const [user, password] = [decode(url.username), decode(url.password)];
  if (user === undefined || password === undefined) {
    faults.push(`${source} has a % that is not part of a %XX in its user or password: write it as %25`);
    return NO_SERVER;
  }
  return {
    node: { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? 6379 : Number(url.port) },
    database: Number(database),
    rest: { user, password, hasTls: url.protocol === 'rediss:' },
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function toNode(text: string): RedisNode {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(text) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}
