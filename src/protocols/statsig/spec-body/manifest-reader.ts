// Reads the manifest of ID lists: kept whole, without compression, as it is small and has to be looked into.
import { readManifest } from './id-list-manifest.js';
import { JsonScanner } from '../../../json/json-scanner.js';
import { BodyFault, type BodyReader, type StoredFacts } from '../../../domain/body-reader.js';
import { ownBytes } from '../../../domain/own-copy.js';
import { Utf8Check } from '../../../json/utf8-check.js';

/** About 20,000 lists, read in about 0.1 s, and rewritten in as much; 100 lists take less than a millisecond. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

/** A manifest always says all there is, and never of when. */
const FACTS: StoredFacts = { isServable: true, version: undefined, checksum: undefined };

export class ManifestReader implements BodyReader<StoredFacts> {
  readonly isText = true;
  readonly #utf8 = new Utf8Check();
  readonly #scanner = new JsonScanner([]);
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  #bytes: Buffer = Buffer.alloc(0);

  push(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > MANIFEST_BYTES_MAX) {
      const fault = `the body is larger than ${MANIFEST_BYTES_MAX} bytes`;
      throw new BodyFault('decoded_body_too_large', fault);
    }
    this.#utf8.push(piece);
    this.#scanner.push(piece);
    // A copy: a decoder's piece is part of a larger buffer.
    this.#pieces.push(Buffer.from(piece));
  }

  end(): StoredFacts {
    this.#utf8.end();
    this.#scanner.end();
    this.#bytes = ownBytes(this.#pieces);
    readManifest(this.#bytes);
    return FACTS;
  }

  /** What was read, once it has ended. */
  get bytes(): Buffer {
    return this.#bytes;
  }
}
