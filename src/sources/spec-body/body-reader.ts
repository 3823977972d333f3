// The reader for the body of a payload: a spec in the format that it came in, or a manifest of ID lists.
import { ID_LISTS, type PayloadApi, type SpecFormat } from '../../domain/payload-key.js';
import type { BodyLimits } from './body-intake.js';
import { createJsonSpecReader } from './json-spec-reader.js';
import { ManifestReader } from './manifest-reader.js';
import { createProtobufSpecReader } from './protobuf-spec-reader.js';
import type { SpecReader } from './spec-facts.js';

export function createBodyReader(api: PayloadApi, format: SpecFormat, limits: BodyLimits): SpecReader {
  if (api === ID_LISTS) return new ManifestReader();
  if (format === 'json') return createJsonSpecReader();
  return createProtobufSpecReader({ envelopeBytesMax: limits.decodedBytesMax });
}
