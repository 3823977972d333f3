// The reader for a spec's body in the format that it came in.
import type { SpecFormat } from '../../domain/payload-key.js';
import type { BodyLimits } from './body-intake.js';
import { createJsonSpecReader } from './json-spec-reader.js';
import { createProtobufSpecReader } from './protobuf-spec-reader.js';
import type { SpecReader } from './spec-facts.js';

export function createSpecReader(format: SpecFormat, limits: BodyLimits): SpecReader {
  if (format === 'json') return createJsonSpecReader();
  return createProtobufSpecReader({ envelopeBytesMax: limits.decodedBytesMax });
}
