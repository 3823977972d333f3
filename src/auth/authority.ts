// Says who may do what: checks the token of a request for a scope, and tells an open stream when its token has ended.
import type { Cancel, Clock } from '../domain/clock.js';
import type { Gauge } from '../observability/gauges.js';
import type { Logger } from '../observability/logger.js';
import { ThrottledLine } from '../observability/throttled-line.js';
import { refused, type Access, type AccessFault, type Granted, type Refusal } from './access.js';
import { BadTokens } from './bad-tokens.js';
import { isLikeJwt, type JwtVerdict, type JwtVerifier } from './jwt-verifier.js';
import type { KeySource } from './key-source.js';
import type { Scope } from './scopes.js';
import type { TokenTable } from './token-table.js';

const LINE_PERIOD_MS = 10_000;
/** The wall clock may jump: an end is looked for so often at least. */
const LOOK_FOR_END_MS = 60_000;
const KEYS_RETRY_AFTER_MS = 5_000;

/** What a request says of who sends it. */
export interface Claim {
  /** The header. */
  readonly authorization: string | undefined;
  readonly address: string;
}

export interface TokenSources {
  readonly tokens: TokenTable;
  /** Undefined where no JWT is taken. */
  readonly jwt: { readonly verifier: JwtVerifier; readonly keys: KeySource } | undefined;
}

export class Authority {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sources: TokenSources;
  readonly #badTokens: BadTokens;
  readonly #line: ThrottledLine;
  readonly #refused = new Map<AccessFault, number>();

  constructor(clock: Clock, log: Logger, sources: TokenSources) {
    this.#clock = clock;
    this.#log = log;
    this.#sources = sources;
    this.#badTokens = new BadTokens(clock);
    this.#line = new ThrottledLine(clock, LINE_PERIOD_MS);
  }

  /** Requests that were refused since the start, by why. */
  get refused(): ReadonlyMap<AccessFault, number> {
    return this.#refused;
  }

  /** Addresses that sent bad tokens lately, against their limit. */
  get gauge(): Gauge {
    return this.#badTokens.gauge;
  }

  /** One of `scopes` is enough. Never rejects. */
  async admit({ authorization, address }: Claim, ...scopes: readonly Scope[]): Promise<Granted | Refusal> {
    const answer = await this.#judge(authorization, address, scopes);
    if (answer.kind === 'granted') return answer;
    const { fault, detail } = answer;
    this.#refused.set(fault, (this.#refused.get(fault) ?? 0) + 1);
    if (fault === 'token_invalid' || fault === 'token_expired') this.#badTokens.add(address);
    this.#line.tell((untold) => {
      this.#log.warn(
        { reason: fault, detail, needs: scopes.join(' or '), address, untold },
        'access refused',
      );
    });
    return answer;
  }

  /**
   * Calls `ended` once, when the token's time is over or its line has left the file or was changed; perhaps at once. Returns
   * what ends the watch.
   */
  whileGranted({ endsAtMs = Infinity, line }: Access, ended: () => void): () => void {
    const { tokens } = this.#sources;
    let cancel: Cancel = () => undefined;
    const stop = (): void => {
      cancel();
      forget();
    };
    const look = (): void => {
      cancel();
      const leftMs = endsAtMs - this.#clock.nowMs();
      if (leftMs <= 0 || (line !== undefined && !tokens.has(line))) {
        stop();
        ended();
      } else if (leftMs < Infinity) {
        cancel = this.#clock.schedule(Math.min(leftMs, LOOK_FOR_END_MS), look);
      }
    };
    const forget = tokens.onReplaced(look);
    look();
    return stop;
  }

  async #judge(
    authorization: string | undefined,
    address: string,
    scopes: readonly Scope[],
  ): Promise<Granted | Refusal> {
    if (authorization === undefined) return refused('token_missing');
    const waitMs = this.#badTokens.waitMs(address);
    if (waitMs !== undefined) return refused('too_many_bad_tokens', '', waitMs);
    const token = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1];
    if (token === undefined) return refused('token_invalid', 'not of the form: Bearer TOKEN');
    const answer = this.#sources.tokens.find(token, this.#clock.nowMs()) ?? (await this.#verifyJwt(token));
    if (answer.kind === 'granted' && !scopes.some((scope) => answer.access.scopes.has(scope))) {
      return refused('scope_missing', answer.access.name);
    }
    return answer;
  }

  async #verifyJwt(token: string): Promise<Granted | Refusal> {
    const { jwt } = this.#sources;
    if (jwt === undefined || !isLikeJwt(token)) return refused('token_invalid', 'unknown');
    const { verifier, keys } = jwt;
    const verify = async (): Promise<JwtVerdict | undefined> =>
      keys.current && (await verifier.verify(token, keys.current, this.#clock.nowMs()));
    let verdict = await verify();
    const lacksKey = verdict === undefined || verdict.kind === 'unknown-key';
    if (lacksKey && (await keys.renewed())) verdict = await verify();
    if (verdict === undefined) return refused('token_keys_missing', '', KEYS_RETRY_AFTER_MS);
    return verdict.kind === 'unknown-key' ? refused('token_invalid', 'signed with an unknown key') : verdict;
  }
}
