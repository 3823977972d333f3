// The reader for the body of a spec, by the format that it came in.
import type { BodyReader } from '../../../domain/body-reader.js';
import type { PayloadFormat } from '../../../domain/resource-kind.js';
import { createJsonSpecReader } from './json-spec-reader.js';
import { createProtobufSpecReader } from './protobuf-spec-reader.js';
import type { SpecFacts } from './spec-facts.js';

/** `decodedBytesMax`: of the whole body without compression. */
export function createSpecReader(format: PayloadFormat, decodedBytesMax: number): BodyReader<SpecFacts> {
  return format === 'json'
    ? createJsonSpecReader()
    : createProtobufSpecReader({ envelopeBytesMax: decodedBytesMax });
}
