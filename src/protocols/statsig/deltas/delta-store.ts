// Deltas for clients that hold a version we held: made once for each pair of versions, of former versions bounded in number and bytes.
import type { ConcurrencyLimit } from '../../../domain/concurrency-limit.js';
import { payloadId, type PayloadKey } from '../../../domain/payload-key.js';
import type { BodyForm, Payload } from '../../../domain/payload.js';
import { decodeForm, encodeBody } from '../../../bodies/body-forms.js';
import type { HeldPayload, StoreListener } from '../../../core/payload-store.js';
import type { Logger } from '../../../observability/logger.js';
import { SPEC_V2 } from '../resource-kinds.js';
import { createBaseReader, createDeltaMaker, NoDelta, type SpecConsumer } from './spec-delta.js';

/** Why a client that asked for a delta gets the whole spec: of the words that SDKs know. Stable and machine-readable. */
export type DeltaFallbackReason =
  | 'unsupported_path'
  | 'supports_proto_required'
  | 'missing_caller_checksum'
  /** No former version is held, or not this one. */
  | 'no_cached'
  | 'before_earliest_lcut'
  /** The version is held under another checksum. */
  | 'first_baseline_checksum_mismatch'
  /** The delta cannot be proved, or is no smaller than the whole spec. */
  | 'unclassified';

export type DeltaAnswer = BodyForm | DeltaFallbackReason;

/** SDKs poll every ten seconds: a client is seldom more than one version behind. */
const FORMER_VERSIONS_MAX = 4;
/** Of all former versions as they travel, and of the deltas from them. */
const BYTES_MAX = 64 * 1024 * 1024;

/** What is kept of a payload since a client first asked for a delta of it. */
interface History {
  /** The newest last. */
  readonly former: Former[];
}

interface Former {
  readonly history: History;
  readonly payload: Payload;
  /** The last one that was asked for. */
  delta: Delta | undefined;
  /** What is held of it. */
  bytes: number;
}

interface Delta {
  readonly to: Payload;
  answer: DeltaAnswer | Promise<DeltaAnswer>;
}

export class DeltaStore implements StoreListener {
  readonly #log: Logger;
  readonly #isHeld: (key: PayloadKey) => boolean;
  readonly #limit: ConcurrencyLimit;
  readonly #bytesMax: number;
  /** By payload id; only of payloads that are held. */
  readonly #histories = new Map<string, History>();
  /** The one kept for longest first. */
  readonly #all = new Set<Former>();
  #bytes = 0;

  /** `limit` bounds how many forms of bodies are made at one time. `isHeld`: whether a version of the payload is held now. */
  constructor(
    log: Logger,
    limit: ConcurrencyLimit,
    isHeld: (key: PayloadKey) => boolean,
    bytesMax = BYTES_MAX,
  ) {
    this.#log = log;
    this.#isHeld = isHeld;
    this.#limit = limit;
    this.#bytesMax = bytesMax;
  }

  get gauge(): { readonly entries: number; readonly entriesMax: number } {
    return { entries: this.#bytes, entriesMax: this.#bytesMax };
  }

  updated(held: HeldPayload, replaced: HeldPayload | undefined): void {
    const history = this.#histories.get(payloadId(held.key));
    if (history === undefined) return;
    // Their deltas led to the version that is replaced.
    for (const former of history.former) this.#forgetDelta(former);
    if (replaced?.payload.format !== 'protobuf' || replaced.payload.checksum === undefined) return;
    const former: Former = { history, payload: replaced.payload, delta: undefined, bytes: 0 };
    history.former.push(former);
    this.#all.add(former);
    this.#forgetDelta(former);
    const [oldest] = history.former;
    if (history.former.length > FORMER_VERSIONS_MAX && oldest !== undefined) this.#drop(oldest);
    this.#makeRoom();
  }

  removed(key: PayloadKey): void {
    const id = payloadId(key);
    for (const former of [...(this.#histories.get(id)?.former ?? [])]) this.#drop(former);
    this.#histories.delete(id);
  }

  /**
   * The delta from the version that the client holds to the one that is held, or why there is none. To be asked where that one
   * is news to the client; a promise, which never rejects, where the delta has to be made first.
   */
  answer(
    held: HeldPayload,
    sinceTime: number,
    checksum: string | undefined,
  ): DeltaAnswer | Promise<DeltaAnswer> {
    if (held.key.kind !== SPEC_V2) return 'unsupported_path';
    if (held.key.format !== 'protobuf') return 'supports_proto_required';
    const id = payloadId(held.key);
    // It may have left while it was waited for: then nobody would tell us to forget it.
    if (!this.#isHeld(held.key)) return 'no_cached';
    const history = this.#histories.get(id) ?? { former: [] };
    this.#histories.set(id, history);
    if (sinceTime <= 0 || checksum === undefined) return 'missing_caller_checksum';
    const base = findBase(history.former, sinceTime, checksum);
    if (typeof base === 'string') return base;
    if (base.delta?.to === held.payload) return base.delta.answer;
    return this.#make(base, held.payload);
  }

  #make(base: Former, to: Payload): Promise<DeltaAnswer> {
    const making = this.#limit(() => makeDelta(base.payload, to)).then(
      (answer) => {
        // Unless another version came meanwhile, or the base is gone.
        if (base.delta === delta) this.#keep(base, delta, answer);
        return answer;
      },
      (error: unknown) => {
        this.#log.error({ err: error }, 'delta not made: whole spec sent instead');
        // The next client tries again.
        if (base.delta === delta) this.#forgetDelta(base);
        return 'unclassified' as const;
      },
    );
    const delta: Delta = { to, answer: making };
    this.#forgetDelta(base);
    base.delta = delta;
    return making;
  }

  #keep(base: Former, delta: Delta, answer: DeltaAnswer): void {
    delta.answer = answer;
    if (typeof answer !== 'string') this.#count(base, base.bytes + answer.bytes.length);
    this.#makeRoom();
  }

  #forgetDelta(former: Former): void {
    former.delta = undefined;
    this.#count(former, former.payload.originForm.bytes.length);
  }

  #count(former: Former, bytes: number): void {
    this.#bytes += bytes - former.bytes;
    former.bytes = bytes;
  }

  #makeRoom(): void {
    for (const former of this.#all) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#drop(former);
    }
  }

  #drop(former: Former): void {
    former.delta = undefined;
    this.#count(former, 0);
    this.#all.delete(former);
    former.history.former.splice(former.history.former.indexOf(former), 1);
  }
}

function findBase(
  former: readonly Former[],
  sinceTime: number,
  checksum: string,
): Former | DeltaFallbackReason {
  const base = former.find(({ payload }) => payload.version === sinceTime);
  if (base?.payload.checksum === checksum) return base;
  if (base !== undefined) return 'first_baseline_checksum_mismatch';
  const [oldest] = former;
  return oldest !== undefined && sinceTime < oldest.payload.version ? 'before_earliest_lcut' : 'no_cached';
}

async function makeDelta(base: Payload, result: Payload): Promise<DeltaAnswer> {
  if (result.format !== 'protobuf' || result.checksum === undefined) return 'unclassified';
  try {
    const items = await consume(base, createBaseReader(base.identityBytes));
    const bytes = await consume(result, createDeltaMaker(items, result.identityBytes));
    const delta = await encodeBody(bytes, 'br');
    return delta.bytes.length < result.originForm.bytes.length ? delta : 'unclassified';
  } catch (error) {
    if (error instanceof NoDelta) return 'unclassified';
    throw error;
  }
}

async function consume<Result>({ originForm }: Payload, consumer: SpecConsumer<Result>): Promise<Result> {
  await decodeForm(originForm, (piece) => {
    consumer.push(piece);
  });
  return consumer.end();
}
