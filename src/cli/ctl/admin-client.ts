// Asks a running proxy's admin port for JSON.
import type { Clock } from '../../domain/clock.js';

/** For a whole answer: the difference of two large specs takes seconds. */
export const CTL_MS_MAX = 90_000;

/** The admin port did not do what was asked; the message says why, for people. */
export class AdminFault extends Error {
  override readonly name = 'AdminFault';
}

export class AdminClient {
  readonly #clock: Clock;
  readonly #admin: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** `token`: empty for none. */
  constructor(clock: Clock, admin: string, token: string) {
    this.#clock = clock;
    this.#admin = admin;
    this.#headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  }

  async get(path: string): Promise<unknown> {
    return await this.#ask(path, { headers: this.#headers });
  }

  async post(path: string, body: object): Promise<unknown> {
    const headers = { ...this.#headers, 'content-type': 'application/json' };
    return await this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  async #ask(path: string, request: RequestInit): Promise<unknown> {
    const tooLate = new AbortController();
    const cancel = this.#clock.schedule(CTL_MS_MAX, () => {
      tooLate.abort(new Error(`no answer within ${CTL_MS_MAX / 1000} s`));
    });
    try {
      const response = await fetch(this.#admin + path, { ...request, signal: tooLate.signal });
      const text = await response.text();
      if (!response.ok) throw new AdminFault(`${response.status}: ${messageOf(text)}`);
      return JSON.parse(text);
    } catch (error) {
      if (error instanceof AdminFault) throw error;
      throw new AdminFault(`${this.#admin} cannot be asked: ${reasonOf(error)}`);
    } finally {
      cancel();
    }
  }
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === 'string' ? message : text;
  } catch {
    // Something else than the proxy may have answered.
    return text.slice(0, 200);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
