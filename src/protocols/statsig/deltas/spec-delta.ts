// The delta between two whole protobuf specs, as core SDKs read it: COPY_PREV, TOP_LEVEL, changed items, DELETIONS, CHECKSUMS, DONE.
// Field numbers of the last two were found by trying them with an SDK, which proves the result by CHECKSUMS.
import { ENVELOPE, EnvelopeSplitter, ITEM_KINDS, readEnvelope } from '../spec-body/spec-envelopes.js';
import { delimited, message } from '../spec-body/protobuf-writer.js';

/** How CHECKSUMS calls a kind of items, and its field in DELETIONS. */
const FIELDS = [
  { kind: ENVELOPE.config, checksums: 'dynamic_configs', deletions: 1 },
  { kind: ENVELOPE.gate, checksums: 'feature_gates', deletions: 2 },
  { kind: ENVELOPE.layer, checksums: 'layer_configs', deletions: 3 },
  { kind: ENVELOPE.condition, checksums: 'condition_map', deletions: 5 },
  { kind: ENVELOPE.paramStore, checksums: 'param_stores', deletions: 7 },
] as const;

/** SDKs count any other checksum as 0: then the sum would prove nothing. */
const CHECKSUM = /^(?:0|[1-9]\d{0,9})$/;
const CHECKSUM_MAX = 0xffff_ffff;

/** The checksums of a whole spec's items, by kind and name. */
export type ItemChecksums = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** Something in the spec is not understood, or cannot be proved by a checksum. */
export class NoDelta extends Error {
  override readonly name = 'NoDelta';
}

/** What stands in a whole spec. `take` gets each envelope of an item, and TOP_LEVEL's, as they came. */
class WholeSpecReader {
  readonly #splitter: EnvelopeSplitter;
  readonly #items = new Map<number, Map<string, number>>(ITEM_KINDS.map((kind) => [kind, new Map()]));
  #hasTopLevel = false;
  #isDone = false;

  constructor(
    envelopeBytesMax: number,
    take: (kind: number, name: string, checksum: number, envelope: Uint8Array) => void,
  ) {
    this.#splitter = new EnvelopeSplitter(envelopeBytesMax, (envelope) => {
      const { kind, name, checksum, data } = readEnvelope(envelope);
      if (kind === ENVELOPE.done) {
        this.#isDone = true;
        return false;
      }
      if (kind === ENVELOPE.topLevel) {
        if (this.#hasTopLevel) throw new NoDelta('two TOP_LEVEL envelopes');
        this.#hasTopLevel = true;
        take(kind, '', 0, envelope);
        return true;
      }
      const items = this.#items.get(kind);
      if (items === undefined || data === undefined) throw new NoDelta(`an envelope of kind ${kind}`);
      const [nameText, proof] = [textOf(name), readChecksum(textOf(checksum))];
      if (items.has(nameText)) throw new NoDelta('two items of one name');
      items.set(nameText, proof);
      take(kind, nameText, proof, envelope);
      return true;
    });
  }

  push(bytes: Uint8Array): void {
    this.#splitter.push(bytes);
  }

  end(): ItemChecksums {
    if (!this.#hasTopLevel || !this.#isDone) throw new NoDelta('no TOP_LEVEL or no DONE');
    return this.#items;
  }
}

function readChecksum(text: string): number {
  const checksum = CHECKSUM.test(text) ? Number(text) : Infinity;
  if (checksum > CHECKSUM_MAX) throw new NoDelta('a checksum that is no 32-bit number');
  return checksum;
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** A spec, pushed piece by piece. Its methods throw NoDelta, or a RangeError where the bytes are no envelopes. */
export interface SpecConsumer<Result> {
  push(bytes: Uint8Array): void;
  /** To be called once, after the last piece. */
  end(): Result;
}

/** Reads the base of a delta. */
export function createBaseReader(envelopeBytesMax: number): SpecConsumer<ItemChecksums> {
  return new WholeSpecReader(envelopeBytesMax, () => undefined);
}

/** Reads the result of a delta, and makes the delta that leads there from the base. */
export function createDeltaMaker(base: ItemChecksums, envelopeBytesMax: number): SpecConsumer<Buffer> {
  let topLevel: Buffer | undefined;
  const changed: Buffer[] = [];
  const reader = new WholeSpecReader(envelopeBytesMax, (kind, name, checksum, envelope) => {
    if (kind === ENVELOPE.topLevel) topLevel = delimited(envelope);
    // SDKs keep an item whose checksum they hold, of a whole spec too.
    else if (base.get(kind)?.get(name) !== checksum) changed.push(delimited(envelope));
  });
  return {
    push: (bytes) => {
      reader.push(bytes);
    },
    end: () => {
      const result = reader.end();
      return Buffer.concat([
        control(ENVELOPE.copyPrevious, 'COPY_PREV'),
        topLevel ?? Buffer.alloc(0),
        ...changed,
        control(ENVELOPE.deletions, 'DELETIONS', deletionsOf(base, result)),
        control(ENVELOPE.checksums, 'CHECKSUMS', checksumsOf(result)),
        control(ENVELOPE.done, 'DONE', Buffer.alloc(0)),
      ]);
    },
  };
}

function control(kind: number, name: string, data?: Uint8Array): Buffer {
  const head = [[1, kind] as const, [2, name] as const];
  return delimited(data === undefined ? message(...head) : message(...head, [4, data]));
}

function deletionsOf(base: ItemChecksums, result: ItemChecksums): Buffer {
  const gone = FIELDS.flatMap(({ kind, deletions }) => {
    const left = result.get(kind);
    const names = [...(base.get(kind)?.keys() ?? [])].filter((name) => left?.has(name) !== true);
    return names.map((name) => [deletions, name] as const);
  });
  return message(...gone);
}

/** Of each kind, also of one without items: SDKs miss it else. */
function checksumsOf(result: ItemChecksums): Buffer {
  const sums = FIELDS.map(({ kind, checksums }) => {
    let sum = 0;
    for (const checksum of result.get(kind)?.values() ?? []) sum += checksum;
    return [1, message([1, checksums], [2, sum])] as const;
  });
  return message(...sums);
}
