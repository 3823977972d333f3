// A kind of resource: everything that storing, polling and serving a payload has to know of what it is.
import type { BodyReader, StoredFacts } from './body-reader.js';

/** JSON text, or a stream of protobuf envelopes. */
export type PayloadFormat = 'json' | 'protobuf';
/** Every format there is. */
export const PAYLOAD_FORMATS: readonly PayloadFormat[] = ['json', 'protobuf'];

export interface ResourceKind {
  /** Short and unique: in log lines, `/status` and file names. */
  readonly name: string;
  /** The path of the kind's payloads, the same upstream and downstream, without a key: also its name in Redis and in events. */
  readonly path: string;
  /** For the middle of a sentence in a log line. */
  readonly noun: string;
  /** Formats that clients can ask for. */
  readonly formats: readonly PayloadFormat[];
  /**
   * `stated`: the body states its version, the time of its last change in milliseconds since 1970.
   * `assigned`: the body states none. It gets one when it is fetched, and the same bytes keep theirs.
   */
  readonly versions: 'stated' | 'assigned';
  /**
   * What stands in the place of the SDK key is the hash of the content: there is one version of it, nobody owns it, and no
   * SDK looks for it in Redis.
   */
  readonly isContentAddressed: boolean;
  /** Whether readers from the days of SFP 1 know the JSON under a second name in Redis. */
  readonly hasLegacyName: boolean;
  /** Reads a body that was stored. `decodedBytesMax`: of the whole body without compression. */
  createStoredReader(format: PayloadFormat, decodedBytesMax: number): BodyReader<StoredFacts>;
}
