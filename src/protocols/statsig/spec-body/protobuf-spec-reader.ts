// Reads the facts of a protobuf config spec: varint-length-delimited `SpecsEnvelope`s, TOP_LEVEL to DONE.
// Source of kinds and field numbers: statsig-rust/src/protos/config_specs.proto of statsig-io/statsig-server-core.
import { readFields, readVarint } from './protobuf-fields.js';
import { BodyFault, type BodyReader } from '../../../domain/body-reader.js';
import { readVersion } from '../../../domain/version.js';
import { addNamedValues } from './protobuf-named-values.js';
import { readChecksum, type SpecFacts } from './spec-facts.js';
import { ValueNames } from './value-names.js';

const KIND_UNKNOWN = 0;
const KIND_DONE = 1;
const KIND_TOP_LEVEL = 2;
const KIND_DYNAMIC_CONFIG = 4;
/** Gates, configs, layers, parameter stores and conditions. */
const ITEM_KINDS: readonly number[] = [3, 4, 5, 6, 7];
/** DELETIONS, CHECKSUMS and COPY_PREV: only deltas have them. */
const DELTA_KINDS: readonly number[] = [8, 9, 10];

interface Envelope {
  readonly kind: number;
  readonly data: Uint8Array | undefined;
}

class EnvelopeReader implements BodyReader<SpecFacts> {
  readonly isText = false;
  readonly #envelopeBytesMax: number;
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  /** Bytes to wait for before the next envelope can be read; keeps a long one from being joined again and again. */
  #neededBytes = 1;
  #topLevel: Uint8Array | undefined;
  #isDelta = false;
  readonly #names = new ValueNames();
  #namesValues = true;
  #isDone = false;

  constructor(envelopeBytesMax: number) {
    this.#envelopeBytesMax = envelopeBytesMax;
  }

  push(bytes: Uint8Array): void {
    // SDKs stop at DONE as well.
    if (this.#isDone) return;
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes < this.#neededBytes) return;
    try {
      this.#readHeld(Buffer.concat(this.#pieces));
    } catch (error) {
      if (error instanceof RangeError) throw notProtobuf(error.message);
      throw error;
    }
  }

  end(): SpecFacts {
    if (!this.#isDone) throw new BodyFault('truncated', 'the envelopes end before DONE');
    if (this.#topLevel === undefined) throw notProtobuf('no TOP_LEVEL envelope');
    return { ...readTopLevel(this.#topLevel), isDelta: this.#isDelta, namedValues: this.#names.found };
  }

  #readHeld(held: Buffer): void {
    let at = 0;
    this.#neededBytes = 1;
    while (at < held.length && !this.#isDone) {
      const length = readVarint(held, at);
      if (length === undefined) break;
      if (length.value > this.#envelopeBytesMax) throw notProtobuf(`an envelope of ${length.value} bytes`);
      const end = length.end + length.value;
      if (end > held.length) {
        this.#neededBytes = end - at;
        break;
      }
      this.#take(readEnvelope(held.subarray(length.end, end)));
      at = end;
    }
    // Copied, so that a short rest does not keep the whole piece alive.
    this.#pieces = at === held.length ? [] : [Buffer.from(held.subarray(at))];
    this.#heldBytes = held.length - at;
  }

  #take({ kind, data }: Envelope): void {
    if (kind === KIND_UNKNOWN) throw notProtobuf('an envelope without a kind');
    if (kind === KIND_DONE) this.#isDone = true;
    else if (kind === KIND_TOP_LEVEL) {
      this.#topLevel = Buffer.from(data ?? []);
      this.#namesValues = mayNameValues(this.#topLevel);
    }
    // An item without data means "keep the one you have": true only for a client that has it.
    else if (DELTA_KINDS.includes(kind) || (ITEM_KINDS.includes(kind) && data === undefined))
      this.#isDelta = true;
    if (kind === KIND_DYNAMIC_CONFIG && data !== undefined && this.#namesValues)
      addNamedValues(this.#names, data);
  }
}

export function createProtobufSpecReader(options: {
  readonly envelopeBytesMax: number;
}): BodyReader<SpecFacts> {
  return new EnvelopeReader(options.envelopeBytesMax);
}

function readEnvelope(message: Uint8Array): Envelope {
  let kind = KIND_UNKNOWN;
  let data: Uint8Array | undefined;
  for (const { number, value } of readFields(message)) {
    if (number === 1 && typeof value === 'number') kind = value;
    if (number === 4 && typeof value !== 'number') data = value;
  }
  return { kind, data };
}

function readTopLevel(message: Uint8Array): Omit<SpecFacts, 'isDelta' | 'namedValues'> {
  // proto3 leaves out what has its default value.
  let hasUpdates = false;
  let time = 0;
  let checksum = '';
  try {
    for (const { number, value } of readFields(message)) {
      if (number === 5 && typeof value !== 'number') checksum = Buffer.from(value).toString();
      if (typeof value !== 'number') continue;
      if (number === 1) hasUpdates = value !== 0;
      if (number === 2) time = value;
    }
  } catch (error) {
    if (error instanceof RangeError) throw notProtobuf(error.message);
    throw error;
  }
  return { hasUpdates, time: readVersion(time), checksum: readChecksum(checksum) };
}

/** False only where TOP_LEVEL says so: then configs need not be looked into. */
function mayNameValues(message: Uint8Array): boolean {
  try {
    return ![...readFields(message)].some(({ number, value }) => number === 8 && value === 0);
  } catch (error) {
    // Refused when its facts are read.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function notProtobuf(detail: string): BodyFault {
  return new BodyFault('not_protobuf', `the body is not a protobuf config spec: ${detail}`);
}
