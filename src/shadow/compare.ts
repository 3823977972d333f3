// Compares the answers of two sides to the same question, from round to round.
import { ListComparer } from './compare-lists.js';
import {
  both,
  judgeLag,
  only,
  SAME,
  withMore,
  type Comparison,
  type Difference,
  type DifferenceKind,
} from './difference.js';
import { LagWatch } from './lag.js';
import type { Answer, Asked, Body } from './side.js';

/** Of one form of one key. */
export class Comparer {
  readonly #lateMsMax: number;
  readonly #versions = new LagWatch();
  readonly #lists: ListComparer;

  /** How long one may lack what the other has. */
  constructor(lateMsMax: number) {
    this.#lateMsMax = lateMsMax;
    this.#lists = new ListComparer(lateMsMax);
  }

  compare(base: Asked, against: Asked, nowMs: number): Comparison {
    if (base.kind === 'failed' || against.kind === 'failed')
      return only('unanswered', wordOf(base), wordOf(against));
    if (base.status !== against.status) return only('status', String(base.status), String(against.status));
    const [one, other] = [base.body, against.body];
    if (one.kind === 'none' || one.kind !== other.kind) {
      const [left, right] = [bodyWord(one), bodyWord(other)];
      return only(left === right ? 'both_refuse' : 'body', left, right);
    }
    if (one.kind === 'manifest' && other.kind === 'manifest')
      return withMore(this.#lists.compare(one.lists, other.lists, nowMs), notesOf(base, against));
    if (formatOf(one) !== formatOf(other)) return only('format', formatOf(one), formatOf(other));
    return this.#compareVersions(base, against, nowMs);
  }

  #compareVersions(base: Answer, against: Answer, nowMs: number): Comparison {
    const notes = notesOf(base, against);
    const [ours, theirs] = [versionOf(base), versionOf(against)];
    const lag =
      ours === undefined || theirs === undefined ? undefined : this.#versions.observe(ours, theirs, nowMs);
    if (lag !== undefined) {
      const detail = both(String(ours), String(theirs));
      return withMore(judgeLag('version', lag, this.#lateMsMax, detail), notes);
    }
    return withMore(SAME, [...bytesOf(base.body, against.body), ...headersOf(base, against), ...notes]);
  }
}

function bytesOf(base: Body, against: Body): Difference[] {
  if (base.kind !== 'spec' || against.kind !== 'spec' || base.hash === against.hash) return [];
  const [left = '', right = ''] = [base, against].map(({ bytes, hash }) => `${bytes} bytes, sha256 ${hash}`);
  return [{ kind: 'bytes', detail: both(left, right) }];
}

function bodyWord(body: Body): string {
  return body.kind === 'none' ? body.why : body.kind;
}

function formatOf(body: Body): string {
  return body.kind === 'spec' ? body.format : '';
}

/** Where nothing is new, the header alone says of what. */
function versionOf({ body, headers: { sinceTime } }: Answer): number | undefined {
  if (body.kind === 'spec') return body.version;
  return /^\d{1,15}$/.test(sinceTime) ? Number(sinceTime) : undefined;
}

/** Of the same version: what core and legacy SDKs go by. */
function headersOf(base: Answer, against: Answer): Difference[] {
  const [one, other] = [base.headers, against.headers];
  const names = ['contentType', 'sinceTime', 'deltasUsed'] as const;
  return names
    .filter((name) => one[name] !== other[name])
    .map((name) => ({ kind: 'headers', detail: `${name}: ${both(one[name], other[name])}` }));
}

function notesOf(base: Answer, against: Answer): Difference[] {
  const [one, other] = [base.headers, against.headers];
  const note = (kind: DifferenceKind, left: string, right: string): Difference[] =>
    left === right ? [] : [{ kind, detail: both(left, right) }];
  return [
    ...note('encoding', one.contentEncoding, other.contentEncoding),
    ...note('cache_hit', one.cacheHit, other.cacheHit),
  ];
}

function wordOf(asked: Asked): string {
  return asked.kind === 'failed' ? asked.reason : String(asked.status);
}
