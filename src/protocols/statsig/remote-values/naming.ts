// Which remote values specs name, and whose specs: of those that are held, and of those that are about to be.
import type { HeldPayload } from '../../../core/payload-store.js';
import { payloadId, type PayloadKey } from '../../../domain/payload-key.js';
import type { NamedValue } from '../../../domain/named-value.js';

interface Naming {
  readonly sdkKey: string;
  readonly sha256s: ReadonlySet<string>;
}

/** Bounded by what is held: each spec names no more than `NAMED_VALUES_MAX` values. */
export class Namings {
  /** By payload. */
  readonly #held = new Map<string, Naming>();
  readonly #arriving = new Set<Naming>();

  /** Until the returned function is called, these count as named. */
  arriving({ sdkKey }: PayloadKey, values: readonly NamedValue[]): () => void {
    const naming = toNaming(sdkKey, values);
    this.#arriving.add(naming);
    return () => {
      this.#arriving.delete(naming);
    };
  }

  /** Returns whether that changes anything. */
  updated({ key, payload }: HeldPayload): boolean {
    const { namedValues = [] } = payload;
    if (namedValues.length === 0) return this.removed(key);
    this.#held.set(payloadId(key), toNaming(key.sdkKey, namedValues));
    return true;
  }

  /** The same. */
  removed(key: PayloadKey): boolean {
    return this.#held.delete(payloadId(key));
  }

  /** One of the SDK keys whose specs name the value. */
  sdkKeyFor(sha256: string): string | undefined {
    for (const naming of this.#all()) if (naming.sha256s.has(sha256)) return naming.sdkKey;
    return undefined;
  }

  get sha256s(): ReadonlySet<string> {
    return new Set([...this.#all()].flatMap(({ sha256s }) => [...sha256s]));
  }

  *#all(): Generator<Naming> {
    yield* this.#arriving;
    yield* this.#held.values();
  }
}

function toNaming(sdkKey: string, values: readonly NamedValue[]): Naming {
  return { sdkKey, sha256s: new Set(values.map(({ sha256 }) => sha256)) };
}
