// What is printed once the proxy runs: where it is, and lines to type that show what it does.
import { withoutOption } from './arguments.js';
import { adminUrlOf, getJson, reachable, type Listening } from './proxy-process.js';

export interface Situation {
  /** The folder of the project. */
  readonly root: string;
  readonly listening: Listening;
  /** The key that the demo origin knows; undefined where the origin is a real one. */
  readonly demoKey: string | undefined;
  /** Why the origin cannot be reached. */
  readonly unreachable: string | undefined;
  /** What the proxy was handed: operands and options. */
  readonly args: readonly string[];
  /** Variables that make another proxy like this one: its origin, its keys, its Redis. */
  readonly variables: Readonly<Record<string, string>>;
}

export async function guide(situation: Situation): Promise<string> {
  const { listening } = situation;
  const admin = adminUrlOf(listening);
  const parts = [
    opening(situation),
    listening.httpPort === undefined ? '' : httpLines(situation),
    listening.grpcPort === undefined ? '' : grpcLines(situation),
    `  curl -s ${admin}/status
      What the proxy holds: the version of each spec, and how long ago the origin confirmed it.`,
    listening.dataDir === undefined
      ? ''
      : `Specs are kept in ${listening.dataDir}: started again, the proxy serves them even without an origin.`,
    listening.cache === 'redis' ? redisLines(situation, await usesRedis(admin)) : '',
    'Ctrl-C stops everything. The log of the proxy:',
  ];
  return `\n${parts.filter((part) => part !== '').join('\n\n')}\n\n`;
}

function opening({ listening, demoKey, unreachable }: Situation): string {
  const { host, httpPort, grpcPort } = listening;
  const where =
    httpPort === undefined
      ? `${reachable(host)}:${String(grpcPort)}`
      : `http://${reachable(host)}:${httpPort}`;
  if (unreachable !== undefined) {
    return `The proxy runs on ${where}, but ${listening.origin} cannot be reached from here: ${unreachable}
Until it can, the proxy answers with what it kept from earlier runs, and with 503 where it has nothing.
In another terminal:`;
  }
  const front = demoKey === undefined ? listening.origin : 'a demo origin whose specs change every 5 s';
  return `The proxy is ready on ${where}, in front of ${front}. In another terminal:`;
}

function httpLines({ listening, demoKey }: Situation): string {
  const url = `http://${reachable(listening.host)}:${String(listening.httpPort)}`;
  const key = demoKey ?? '<YOUR SDK KEY>';
  const news =
    demoKey === undefined
      ? 'The config specs of your project, with their version as x-since-time.'
      : 'Again after 5 s: x-since-time is newer, demo_gate returns the opposite, demo_config greets with the next number.';
  return `  curl -si '${url}/v2/download_config_specs/${key}.json'
      ${news}

  curl -s "${url}/v2/download_config_specs/${key}.json?sinceTime=$(date +%s)999"
      {"has_updates":false}: the answer to an SDK whose sinceTime is not older than x-since-time.

  curl -s '${url}/v1/log_event' -H 'statsig-api-key: ${key}' -d '{"events":[{"eventName":"tried"}]}'
      {"success":true}: log events are kept, and forwarded in the background.

  curl -s '${url}/v1/get_id_lists' -H 'statsig-api-key: ${key}' -d '{}'
      The ID lists there are. Their urls lead to the proxy, which has the files: curl one of them.`;
}

function grpcLines({ root, listening, demoKey }: Situation): string {
  const address = `${reachable(listening.host)}:${String(listening.grpcPort)}`;
  const key = demoKey === undefined ? " --key '<YOUR SDK KEY>'" : '';
  return `  cd ${quoted(root)} && node --import tsx scripts/watch-stream.ts --address ${address}${key}
      A stream, as SDKs open it by gRPC: a line for the current spec, and one for each newer spec when it comes.`;
}

/** The proxy runs without a Redis as well, and uses it as soon as it is there. */
function redisLines(situation: Situation, isUsed: boolean): string {
  if (isUsed) {
    return `  redis-cli keys 'statsig*'
      The specs in Redis, as SDKs' data adapters ask for them. A second proxy on other ports shares them, and asks
      the origin for nothing that this one has asked for:

  ${secondReplica(situation)}`;
  }
  return `No Redis answers: the proxy runs without, and will use it when it is there. To get one on this machine:

  sudo apt-get install redis-server     (and, where that does not start it: redis-server --port 6379)
  docker run -p 6379:6379 redis:7

Where yours is elsewhere: REDIS_URL=redis://user:password@host:6379 ./run_locally.sh grpc-and-http redis`;
}

/** Starts another proxy like this one, from any folder: only its ports and its data directory are its own. */
function secondReplica({ root, args, variables }: Situation): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)}`);
  // Of an option typed twice the second counts.
  const ports = ['--http-port', '0', '--grpc-port', '0', '--admin-port', '0'];
  const typed = [...withoutOption(args, '--data-dir'), ...ports].map(quoted);
  return [...assignments, quoted(`${root}/run_locally.sh`), ...typed].join(' ');
}

async function usesRedis(admin: string): Promise<boolean> {
  const status = (await getJson(`${admin}/status`)) as
    { readonly redis?: { readonly leader?: unknown } } | undefined;
  return Boolean(status?.redis?.leader);
}

/** As a shell reads it. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
