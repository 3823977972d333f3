// Reads the stored body of a project: kept whole, as it is stored without compression and has to be looked into.
import { BodyFault, type BodyReader, type StoredFacts } from '../../../domain/body-reader.js';
import { readProject } from './project.js';

/** A project always says all there is, and never of when. */
const FACTS: StoredFacts = { isServable: true, version: undefined, checksum: undefined };

export class ProjectReader implements BodyReader<StoredFacts> {
  readonly isText = true;
  readonly #bytesMax: number;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#bytesMax) {
      throw new BodyFault('decoded_body_too_large', `the body is larger than ${this.#bytesMax} bytes`);
    }
    // A copy: a decoder's piece is part of a larger buffer.
    this.#pieces.push(Buffer.from(piece));
  }

  end(): StoredFacts {
    readProject(Buffer.concat(this.#pieces));
    return FACTS;
  }
}
