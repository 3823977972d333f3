// How large a body may be that comes out of Redis or a directory.
import type { BodyLimits } from '../bodies/body-intake.js';
import type { Config } from '../config/load-config.js';
import { toUpstreamOptions } from './room-options.js';

/** What was taken in compressed may be stored uncompressed. */
export function toStoredLimits(config: Config): BodyLimits {
  const { decodedBytesMax } = toUpstreamOptions(config, '').bodyLimits;
  return { encodedBytesMax: decodedBytesMax, decodedBytesMax };
}
