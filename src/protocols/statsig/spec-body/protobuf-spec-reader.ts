// Reads the facts of a protobuf config spec out of its envelopes, TOP_LEVEL to DONE.
import { readFields } from './protobuf-fields.js';
import { BodyFault, type BodyReader } from '../../../domain/body-reader.js';
import { readVersion } from '../../../domain/version.js';
import { addNamedValues } from './protobuf-named-values.js';
import { ENVELOPE, EnvelopeSplitter, ITEM_KINDS, readEnvelope } from './spec-envelopes.js';
import { readChecksum, type SpecFacts } from './spec-facts.js';
import { ValueNames } from './value-names.js';

/** Only deltas have them. */
const DELTA_KINDS: readonly number[] = [ENVELOPE.deletions, ENVELOPE.checksums, ENVELOPE.copyPrevious];

class EnvelopeReader implements BodyReader<SpecFacts> {
  readonly isText = false;
  readonly #splitter: EnvelopeSplitter;
  #topLevel: Uint8Array | undefined;
  #isDelta = false;
  readonly #names = new ValueNames();
  #namesValues = true;
  #isDone = false;

  constructor(envelopeBytesMax: number) {
    // SDKs stop at DONE as well.
    this.#splitter = new EnvelopeSplitter(envelopeBytesMax, (message) => {
      this.#take(message);
      return !this.#isDone;
    });
  }

  push(bytes: Uint8Array): void {
    try {
      this.#splitter.push(bytes);
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

  #take(message: Uint8Array): void {
    const { kind, data } = readEnvelope(message);
    if (kind === ENVELOPE.unknown) throw notProtobuf('an envelope without a kind');
    if (kind === ENVELOPE.done) this.#isDone = true;
    else if (kind === ENVELOPE.topLevel) {
      this.#topLevel = Buffer.from(data ?? []);
      this.#namesValues = mayNameValues(this.#topLevel);
    }
    // An item without data means "keep the one you have": true only for a client that has it.
    else if (DELTA_KINDS.includes(kind) || (ITEM_KINDS.includes(kind) && data === undefined))
      this.#isDelta = true;
    if (kind === ENVELOPE.config && data !== undefined && this.#namesValues)
      addNamedValues(this.#names, data);
  }
}

export function createProtobufSpecReader(options: {
  readonly envelopeBytesMax: number;
}): BodyReader<SpecFacts> {
  return new EnvelopeReader(options.envelopeBytesMax);
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
