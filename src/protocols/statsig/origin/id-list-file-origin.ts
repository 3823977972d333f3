// The port through which the file of an ID list is fetched, from a byte on, and what can come of it.
import type { RequestFailureReason } from '../../../http-client/upstream-failure.js';
import type { SpecFailureReason } from './upstream-response.js';

/** Why a fetch brought nothing, or not all of it. Stable and machine-readable. */
export type FileFailureReason =
  | RequestFailureReason
  | SpecFailureReason
  /** Not http or https, or no URL at all. */
  | 'bad_url'
  /** A part of the file that nobody asked for. */
  | 'bad_content_range'
  /** More bytes came than the head of the answer had told: none of them can be trusted. */
  | 'longer_than_said'
  /** The file does not begin with `+` or `-`: a page of somebody in between. */
  | 'not_an_id_list';

export interface FileFailure {
  readonly kind: 'failed';
  readonly reason: FileFailureReason;
  /** For people: a status line, a library's error code. Never a URL or a body. */
  readonly detail: string;
}

/** The origin has nothing beyond what was asked from. `totalBytes`: of the whole file, where it told. */
export interface NothingMore {
  readonly kind: 'nothing-more';
  readonly totalBytes: number | undefined;
}

/** What of the file comes, known before its bytes do. */
export interface FilePart {
  /** Where in the file it begins: where it was asked from; or 0, as the origin sends the whole file all the same. */
  readonly startByte: number;
  /** The byte behind its last; undefined where the origin does not tell. */
  readonly endByte: number | undefined;
  /** Ends the connection: nothing more of it is wanted, or waited for. */
  readonly breakOff: () => void;
}

/**
 * Gets the bytes of the part, identity-encoded. They end where the part does, and throw where it is cut short: then what
 * came before is right all the same. To be read within the call.
 */
export type TakePart<Taken> = (part: FilePart, bytes: AsyncIterable<Uint8Array>) => Promise<Taken>;

export interface IdListFileOrigin {
  /**
   * Asks for the file's bytes from `fromByte` on, and gives what `take` made of them; never rejects, unless `take` throws
   * what is no error of the bytes. Calls `take` once, or not at all. No SDK key is sent.
   */
  fetch<Taken extends object>(
    url: string,
    fromByte: number,
    take: TakePart<Taken>,
  ): Promise<Taken | NothingMore | FileFailure>;
  /** Breaks off what is in flight. */
  close(): Promise<void>;
}

export function fileFailed(reason: FileFailureReason, detail: string): FileFailure {
  return { kind: 'failed', reason, detail };
}
