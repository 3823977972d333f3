// The envelopes of a protobuf spec, varint-length-delimited `SpecsEnvelope`s: split off as bytes arrive, and read.
// Source of kinds and field numbers: statsig-rust/src/protos/config_specs.proto of statsig-io/statsig-server-core.
import { readFields, readVarint } from './protobuf-fields.js';

export const ENVELOPE = {
  unknown: 0,
  done: 1,
  topLevel: 2,
  gate: 3,
  config: 4,
  layer: 5,
  paramStore: 6,
  condition: 7,
  deletions: 8,
  checksums: 9,
  copyPrevious: 10,
} as const;

/** Of which a spec has any number, each with a name. */
export const ITEM_KINDS: readonly number[] = [
  ENVELOPE.gate,
  ENVELOPE.config,
  ENVELOPE.layer,
  ENVELOPE.paramStore,
  ENVELOPE.condition,
];

export interface Envelope {
  readonly kind: number;
  /** Bytes of texts: most readers want neither. */
  readonly name: Uint8Array | undefined;
  readonly checksum: Uint8Array | undefined;
  readonly data: Uint8Array | undefined;
}

/** Throws a RangeError where the bytes are no message. */
export function readEnvelope(message: Uint8Array): Envelope {
  let kind: number = ENVELOPE.unknown;
  let name: Uint8Array | undefined;
  let checksum: Uint8Array | undefined;
  let data: Uint8Array | undefined;
  for (const { number, value } of readFields(message)) {
    if (typeof value === 'number') {
      if (number === 1) kind = value;
    } else if (number === 2) name = value;
    else if (number === 3) checksum = value;
    else if (number === 4) data = value;
  }
  return { kind, name, checksum, data };
}

/** Takes one envelope's message, which is valid within the call only; false ends the reading. */
export type TakeEnvelope = (message: Uint8Array) => boolean;

export class EnvelopeSplitter {
  readonly #envelopeBytesMax: number;
  readonly #take: TakeEnvelope;
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  /** Bytes to wait for before the next envelope can be read; keeps a long one from being joined again and again. */
  #neededBytes = 1;
  #isOver = false;

  constructor(envelopeBytesMax: number, take: TakeEnvelope) {
    this.#envelopeBytesMax = envelopeBytesMax;
    this.#take = take;
  }

  /** Throws a RangeError where the bytes are no envelopes, and what `take` throws. */
  push(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= this.#neededBytes) this.#readHeld(Buffer.concat(this.#pieces));
  }

  #readHeld(held: Buffer): void {
    let at = 0;
    this.#neededBytes = 1;
    while (at < held.length && !this.#isOver) {
      const length = readVarint(held, at);
      if (length === undefined) break;
      if (length.value > this.#envelopeBytesMax) throw new RangeError(`an envelope of ${length.value} bytes`);
      const end = length.end + length.value;
      if (end > held.length) {
        this.#neededBytes = end - at;
        break;
      }
      this.#isOver = !this.#take(held.subarray(length.end, end));
      at = end;
    }
    // Copied, so that a short rest does not keep the whole piece alive.
    this.#pieces = at === held.length ? [] : [Buffer.from(held.subarray(at))];
    this.#heldBytes = held.length - at;
  }
}
