// What operators can ask of this process and have it do, whoever answers: the port between /api/v1 and the app.
import type { ErrorReason } from '../http/error-reply.js';

/** A payload as operators name it: by the SHA-256 of its SDK key in hex, so that no URL holds a key. */
export interface SpecName {
  readonly keyHash: string;
  readonly api: string;
  readonly format: string;
}

export type ApiAnswer =
  | { readonly kind: 'done'; readonly body: object }
  | { readonly kind: 'refused'; readonly reason: ErrorReason; readonly message: string };

/** A part of a long list. */
export interface PageQuery {
  readonly limit: number;
  /** Where the page before ended, as its answer said; undefined for the first one. */
  readonly after: string | undefined;
  /** Words, each of which has to be in what is listed; empty for all. */
  readonly search: string;
}

/** Nothing rejects. */
export interface OperatorApi {
  status(): object;
  specs(query: PageQuery): object;
  spec(name: SpecName): ApiAnswer;
  clientsOf(name: SpecName, limit: number): Promise<ApiAnswer>;
  clients(limit: number): object;
  replicas(query: Omit<PageQuery, 'after'>): Promise<object>;
  logEvents(): object;
  idLists(): object;
  settings(): object;
  versions(name: SpecName): Promise<ApiAnswer>;
  /** `from`, `to`: versions. */
  diff(name: SpecName, from: number, to: number): Promise<ApiAnswer>;
  /** Of a project of Replane's: what its configs are for a context, and why. */
  evaluate(name: SpecName, trial: Trial): Promise<ApiAnswer>;
  holds(): object;
  freeze(name: SpecName, order: HoldOrder): Promise<ApiAnswer>;
  rollBack(name: SpecName, version: number, order: HoldOrder): Promise<ApiAnswer>;
  /** Of an update that is held back. */
  refuse(name: SpecName, order: HoldOrder): Promise<ApiAnswer>;
  release(name: SpecName, operator: Operator): Promise<ApiAnswer>;
  /** The newest lines of the audit log, the newest last. */
  audit(linesMax: number): Promise<ApiAnswer>;
}

/** What configs are tried against. */
export interface Trial {
  readonly context: Readonly<Record<string, string | number | boolean | null>>;
  /** The name of the only one that is wanted; undefined for all. */
  readonly config: string | undefined;
  /** Words, each of which has to be in the name of a config; empty for all. */
  readonly search: string;
  /** Configs that are shown at most. */
  readonly limit: number;
}

/** Who asks for a change, and from where. */
export interface Operator {
  readonly who: string;
  readonly address: string;
}

export interface HoldOrder extends Operator {
  readonly reason: string;
  /** How long it lasts. */
  readonly forS: number;
}

export function done(body: object): ApiAnswer {
  return { kind: 'done', body };
}

export function refuse(reason: ErrorReason, message: string): ApiAnswer {
  return { kind: 'refused', reason, message };
}
