// What a hundred open pages cost those who ask for specs: the same load with and without them, turn by turn.
import { request, type ClientRequest } from 'node:http';
import { startChildServer } from './child-server.js';
import { installed, load, medianOf, type Load, type Round } from './wrk.js';

const ROUNDS = 5;
const ROUND_S = 3;
const CONNECTIONS = 32;
const PAGES = 100;
const SETTLING_MS = 2_000;
/** As the pages do together, and of each what the overview shows. */
const REFRESH_EVERY_MS = PAGES * 400;
const ASKED = ['/api/v1/status', '/api/v1/specs?limit=50', '/api/v1/holds', '/api/v1/audit?lines=6'];
/** Keys that the list has, beside the one that is asked for. */
const KEYS = 300;
const KEY = 'secret-benchkey0123456789';
const VERSION = 1_700_000_000_000;
const PATH = `/v2/download_config_specs/${KEY}.json?sinceTime=${VERSION}`;

export async function openPages(): Promise<void> {
  if (!installed('wrk')) {
    console.log('needs wrk: apt-get install wrk');
    return;
  }
  const origin = await startChildServer('./servers/origin-server.ts', {
    fillerGates: 10,
    encoding: 'gzip',
  });
  const proxy = await startChildServer('./servers/proxy-server.ts', { origin: origin.url });
  const { url } = proxy;
  const adminUrl = String(proxy.told['adminUrl']);
  for (let key = 0; key < KEYS; key += 1)
    await ask(`${url}/v2/download_config_specs/secret-openpages${key}-0123456789.json`);
  const asked: Load = { path: PATH, encodings: 'gzip', connections: CONNECTIONS, durationS: ROUND_S };
  const { cpuMs } = proxy;
  const rounds: Record<'without' | 'with' | 'again', Round[]> = { without: [], with: [], again: [] };
  await load(url, { ...asked, durationS: 1 }, cpuMs);
  let answers = 0;
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    rounds.without.push(await load(url, asked, cpuMs));
    const pages = openAll(adminUrl, () => (answers += 1));
    // What they load when they open is not what they cost while they are open.
    await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
    rounds.with.push(await load(url, asked, cpuMs));
    pages.close();
    rounds.again.push(await load(url, asked, cpuMs));
  }
  const [without, withPages, again] = [rounds.without, rounds.with, rounds.again].map(medianOf) as [
    Round,
    Round,
    Round,
  ];
  const text = ({ perCpuS, p99Ms }: Round): string =>
    `${perCpuS.toFixed(0)} requests per CPU second, p99 ${p99Ms.toFixed(1)} ms`;
  console.log(`without pages: ${text(without)}`);
  console.log(`with ${PAGES} pages that are open (${answers} answers): ${text(withPages)}`);
  const ratio = ({ perCpuS }: Round): string => (perCpuS / without.perCpuS).toFixed(3);
  console.log(`ratio: ${ratio(withPages)}; of two without pages: ${ratio(again)}`);
  await proxy.stop();
  await origin.stop();
}

/** Each has a stream, and asks again at a time of its own. */
function openAll(adminUrl: string, answered: () => void): { close(): void } {
  const streams: ClientRequest[] = [];
  const timers: NodeJS.Timeout[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    const stream = request(`${adminUrl}/api/v1/events`, { agent: false }, (answer) => {
      answer.on('error', () => undefined).resume();
    });
    stream.on('error', () => undefined).end();
    streams.push(stream);
    const refresh = (): void => {
      for (const path of ASKED) ask(adminUrl + path).then(answered, () => undefined);
    };
    const first = setTimeout(
      () => {
        refresh();
        timers.push(setInterval(refresh, REFRESH_EVERY_MS));
      },
      (page * REFRESH_EVERY_MS) / PAGES,
    );
    timers.push(first);
  }
  return {
    close: () => {
      for (const stream of streams) stream.destroy();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function ask(url: string): Promise<void> {
  const answer = await fetch(url);
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
}
