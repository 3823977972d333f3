// Manifests whose urls lead to this proxy, and that promise no more than it has: else as the origin has them.
import { createHash } from 'node:crypto';
import { BodyForms } from '../../../bodies/body-forms.js';
import type { HeldPayload } from '../../../core/payload-store.js';
import type { Clock } from '../../../domain/clock.js';
import type { ConcurrencyLimit } from '../../../domain/concurrency-limit.js';
import { toEtag } from '../../../domain/etag.js';
import type { Payload } from '../../../domain/payload.js';
import { rewriteManifest } from '../spec-body/id-list-manifest.js';
import { FILE_PATH, withPromise } from './file-id.js';
import type { IdListFile } from './id-list-file.js';
import type { ManifestFiles } from './manifest-files.js';

/** Of one manifest: a cluster knows a proxy by a few names, and what strangers write into Host is theirs. */
const BASES_MAX = 16;
/** A base that was not requested in this time gives its place to another: SDKs ask once a minute. */
const BASE_UNUSED_MS = 120_000;

/** How clients reach this proxy, without a slash at its end. */
export interface Bases {
  readonly wanted: string;
  /** Used when there is no room for another one; there are few of these. */
  readonly spare: string;
}

/** What of the files that manifests list can be had. */
export interface FilesAtHand {
  /** None is known to fail. */
  readonly areAllWell: boolean;
  /** Of so many promised bytes. */
  promisable(file: IdListFile, bytes: number): number;
}

/** What was made of one manifest, while the same of its files can be had. */
interface Made {
  /** How many bytes of each file are promised, in the order of the files. */
  readonly promised: readonly number[];
  /** All that the manifest promises. */
  readonly isWhole: boolean;
  /** By base, the one that was asked for longest ago first. */
  readonly byBase: Map<string, Rewritten>;
}

interface Rewritten extends Pick<HeldPayload, 'payload' | 'forms'> {
  usedAtMs: number;
}

export class RewrittenManifests {
  readonly #clock: Clock;
  readonly #files: ManifestFiles;
  readonly #limit: ConcurrencyLimit;
  readonly #atHand: FilesAtHand;
  readonly #made = new WeakMap<Payload, Made>();

  /** `limit` bounds how many body forms are made at one time. */
  constructor(clock: Clock, files: ManifestFiles, atHand: FilesAtHand, limit: ConcurrencyLimit) {
    this.#clock = clock;
    this.#files = files;
    this.#atHand = atHand;
    this.#limit = limit;
  }

  /**
   * A rewritten manifest lives as long as a slow client reads it, or its compression waits: so not only how many are kept is
   * bounded, but how many are made.
   */
  of(held: HeldPayload, { wanted, spare }: Bases): HeldPayload {
    const { promised, byBase } = this.#madeOf(held);
    const base = byBase.has(wanted) || this.#hasRoom(byBase) ? wanted : spare;
    const rewritten = byBase.get(base) ?? this.#rewrite(held, promised, base);
    byBase.delete(base);
    byBase.set(base, rewritten);
    rewritten.usedAtMs = this.#clock.monotonicMs();
    const { payload, forms } = rewritten;
    return { ...held, payload, forms };
  }

  #hasRoom(byBase: Map<string, Rewritten>): boolean {
    const [oldest] = byBase;
    if (byBase.size < BASES_MAX || oldest === undefined) return true;
    const [base, { usedAtMs }] = oldest;
    return this.#clock.monotonicMs() - usedAtMs >= BASE_UNUSED_MS && byBase.delete(base);
  }

  #madeOf(held: HeldPayload): Made {
    const known = this.#made.get(held.payload);
    if (known?.isWhole === true && this.#atHand.areAllWell) return known;
    const files = this.#files.of(held);
    const promised = files.map(({ file, bytes }) => this.#atHand.promisable(file, bytes));
    if (known?.promised.every((bytes, index) => bytes === promised[index]) === true) return known;
    const isWhole = files.every(({ bytes }, index) => bytes === promised[index]);
    const made = { promised, isWhole, byBase: new Map<string, Rewritten>() };
    this.#made.set(held.payload, made);
    return made;
  }

  #rewrite(held: HeldPayload, promised: readonly number[], base: string): Rewritten {
    const changes = this.#files.of(held).map(({ listName, id, bytes }, index) => {
      const size = promised[index] ?? bytes;
      return [listName, { url: base + FILE_PATH + withPromise(id, size), size }] as const;
    });
    const bytes = rewriteManifest(held.payload.originForm.bytes, new Map(changes));
    const etag = toEtag(createHash('sha256').update(bytes));
    const originForm = { encoding: 'identity', bytes, etag } as const;
    const payload: Payload = { ...held.payload, originForm, identityBytes: bytes.length };
    return { payload, forms: new BodyForms(payload, this.#limit), usedAtMs: 0 };
  }
}
