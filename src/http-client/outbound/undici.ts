// The parts of undici that are used, without the rest: its entry point loads fetch, caches and mocks too, 50 ms of CPU at each start.
import { createRequire } from 'node:module';
import type * as undici from 'undici';

type Undici = typeof undici;

const load = createRequire(import.meta.url);

export type Client = undici.Client;
export const Client = load('undici/lib/dispatcher/client.js') as Undici['Client'];
export const Dispatcher = load('undici/lib/dispatcher/dispatcher.js') as Undici['Dispatcher'];
export const EnvHttpProxyAgent = load(
  'undici/lib/dispatcher/env-http-proxy-agent.js',
) as Undici['EnvHttpProxyAgent'];
export type Pool = undici.Pool;
export const Pool = load('undici/lib/dispatcher/pool.js') as Undici['Pool'];
export const buildConnector = load('undici/lib/core/connect.js') as Undici['buildConnector'];
export const errors = load('undici/lib/core/errors.js') as Undici['errors'];

// As the entry point does: `request` and its like are methods of every dispatcher.
Object.assign(Dispatcher.prototype, load('undici/lib/api/index.js'));
