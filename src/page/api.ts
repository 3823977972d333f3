// Asks the admin port: all that the page knows comes from /api/v1. The token is in this object's memory and nowhere else.
import type {
  Audit,
  Clients,
  Diff,
  Error as ErrorBody,
  Evaluated,
  Holds,
  IdLists,
  LogEvents,
  OneSpec,
  Ordered,
  Replicas,
  Settings,
  SpecClients,
  Specs,
  Status,
  Versions,
} from './api-answers.js';
import type { PageClock } from './clock.js';

const API = '/api/v1';

/** As the API names a spec. */
export interface SpecName {
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
}

export type HoldOrder = 'freeze' | 'rollback' | 'refuse' | 'release';

/** An answer other than what was asked for, or none at all. */
export class Refused extends Error {
  /** 0 where no answer came. */
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  /** Another token would help, or a first one. */
  get asksForToken(): boolean {
    return this.status === 401;
  }
}

export class Api {
  readonly #clock: PageClock;
  #token = '';

  constructor(clock: PageClock) {
    this.#clock = clock;
  }

  get hasToken(): boolean {
    return this.#token !== '';
  }

  /** Empty for none. */
  useToken(token: string): void {
    this.#token = token;
  }

  status(signal: AbortSignal): Promise<Status> {
    return this.#get('/status', signal);
  }

  specs(
    query: { readonly limit: number; readonly search?: string; readonly cursor?: string },
    signal: AbortSignal,
  ): Promise<Specs> {
    return this.#get(`/specs?${queryOf(query)}`, signal);
  }

  spec(name: SpecName, signal: AbortSignal): Promise<OneSpec> {
    return this.#get(pathOf(name), signal);
  }

  versions(name: SpecName, signal: AbortSignal): Promise<Versions> {
    return this.#get(`${pathOf(name)}/versions`, signal);
  }

  diff(name: SpecName, from: number, to: number, signal: AbortSignal): Promise<Diff> {
    return this.#get(`${pathOf(name)}/diff?${queryOf({ from, to })}`, signal);
  }

  specClients(name: SpecName, limit: number, signal: AbortSignal): Promise<SpecClients> {
    return this.#get(`${pathOf(name)}/clients?${queryOf({ limit })}`, signal);
  }

  clients(limit: number, signal: AbortSignal): Promise<Clients> {
    return this.#get(`/clients?${queryOf({ limit })}`, signal);
  }

  replicas(
    query: { readonly limit: number; readonly search?: string },
    signal: AbortSignal,
  ): Promise<Replicas> {
    return this.#get(`/replicas?${queryOf(query)}`, signal);
  }

  logEvents(signal: AbortSignal): Promise<LogEvents> {
    return this.#get('/log-events', signal);
  }

  idLists(signal: AbortSignal): Promise<IdLists> {
    return this.#get('/id-lists', signal);
  }

  settings(signal: AbortSignal): Promise<Settings> {
    return this.#get('/settings', signal);
  }

  holds(signal: AbortSignal): Promise<Holds> {
    return this.#get('/holds', signal);
  }

  audit(lines: number, signal: AbortSignal): Promise<Audit> {
    return this.#get(`/audit?${queryOf({ lines })}`, signal);
  }

  /** Of one spec. */
  order(name: SpecName, what: HoldOrder, body: object): Promise<Ordered> {
    return this.#post(`${pathOf(name)}/${what}`, body);
  }

  /** Of a Replane project: what its configs are for a context. Changes nothing. */
  evaluate(name: SpecName, body: object, signal: AbortSignal): Promise<Evaluated> {
    return this.#post(`${pathOf(name)}/evaluate`, body, { signal });
  }

  /** The stream of what changes; `lastEventId`: empty at first. */
  async events(lastEventId: string, signal: AbortSignal): Promise<Response> {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId !== '' && { 'last-event-id': lastEventId }),
    };
    return await this.#fetch('/events', { headers, signal });
  }

  #get<Answer>(path: string, signal: AbortSignal): Promise<Answer> {
    return this.#json(path, { signal });
  }

  #post<Answer>(path: string, body: object, init: Pick<RequestInit, 'signal'> = {}): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    return this.#json(path, { ...init, method: 'POST', headers, body: JSON.stringify(body) });
  }

  async #json<Answer>(path: string, init: RequestInit): Promise<Answer> {
    const response = await this.#fetch(path, init);
    return (await response.json()) as Answer;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.hasToken) headers.set('authorization', `Bearer ${this.#token}`);
    const options: RequestInit = {
      ...init,
      headers,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
    };
    const response = await fetch(API + path, options).catch((error: unknown) => {
      if (init.signal?.aborted === true) throw error;
      throw new Refused(0, 'unreachable', 'The proxy does not answer.');
    });
    this.#clock.note(response.headers.get('date'));
    if (!response.ok) throw await refusalOf(response);
    return response;
  }
}

function pathOf({ keyHash, api, format }: SpecName): string {
  return `/specs/${[keyHash, api, format].map(encodeURIComponent).join('/')}`;
}

function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

async function refusalOf(response: Response): Promise<Refused> {
  const { status } = response;
  try {
    const { reason, message } = (await response.json()) as ErrorBody;
    return new Refused(status, reason, message);
  } catch {
    return new Refused(
      status,
      'unreadable',
      `The proxy, or something in front of it, answered with status ${status}.`,
    );
  }
}
