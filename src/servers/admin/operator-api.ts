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

/** Nothing rejects. */
export interface OperatorApi {
  specs(): object;
  versions(name: SpecName): Promise<ApiAnswer>;
  /** `from`, `to`: versions. */
  diff(name: SpecName, from: number, to: number): Promise<ApiAnswer>;
  holds(): object;
  freeze(name: SpecName, order: HoldOrder): Promise<ApiAnswer>;
  rollBack(name: SpecName, version: number, order: HoldOrder): Promise<ApiAnswer>;
  /** Of an update that is held back. */
  refuse(name: SpecName, order: HoldOrder): Promise<ApiAnswer>;
  release(name: SpecName, operator: Operator): Promise<ApiAnswer>;
  /** The newest lines of the audit log, the newest last. */
  audit(linesMax: number): Promise<ApiAnswer>;
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
