// A kind of resource: everything that storing, polling and serving a payload has to know of what it is.
import type { BodyReader, StoredFacts } from './body-reader.js';
import type { Clock } from './clock.js';
import type { Loss } from './loss.js';
import type { PayloadFormat } from './payload-format.js';
import type { Payload } from './payload.js';

export { PAYLOAD_FORMATS, type PayloadFormat } from './payload-format.js';

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
  /** Its name in Redis holds the hash of the SDK key under every schema of names: no SDK looks for it there. */
  readonly isNamedByHash?: boolean;
  /** Whether readers from the days of SFP 1 know the JSON under a second name in Redis. */
  readonly hasLegacyName: boolean;
  /** Reads a body that was stored. `decodedBytesMax`: of the whole body without compression. */
  createStoredReader(format: PayloadFormat, decodedBytesMax: number): BodyReader<StoredFacts>;
  /**
   * The same resource stating another version, with all else as it is; undefined where the body does not let itself be
   * changed so. Rejects where memory or a thread fails. Not there for kinds that are never rolled back.
   */
  readonly restate?: (clock: Clock, payload: Payload, version: number) => Promise<Payload | undefined>;
  /**
   * The worst of what one version has lost that the one before it had, in words, and in percent of what it was. Rejects where
   * memory or a thread fails. Not there for kinds that are never guarded.
   */
  readonly lossOf?: (clock: Clock, before: Payload, after: Payload) => Promise<Loss>;
}
