// What a question for a file's bytes comes to.
import type { FileFailureReason } from '../origin/id-list-file-origin.js';

/** Which bytes of a file are wanted. */
export interface FileWish {
  readonly fromByte: number;
  /** The least length of the file, as promised to the client. */
  readonly bytesMin: number;
}

export type FileReading =
  | {
      readonly kind: 'bytes';
      /** Of the file, as far as it is given away: whole lines, and no less than was promised. */
      readonly totalBytes: number;
      /**
       * From `fromByte` to `totalBytes`; throws where it cannot be had to its end. To be read, or its iterator's
       * `return` to be called: until then the file is kept for it.
       */
      readonly body: AsyncIterable<Uint8Array>;
    }
  /** The file ends at `fromByte` or before. */
  | { readonly kind: 'past-end'; readonly totalBytes: number }
  /** `reason`: stable and machine-readable. */
  | FailedReading;

export interface FailedReading {
  readonly kind: 'failed';
  readonly reason: FailedReadingReason;
  /** For people. Never a URL or a body. */
  readonly detail: string;
  /** Set when the current end of the file is known. */
  readonly originBytes?: number;
}

export type FailedReadingReason =
  | FileFailureReason
  /** The origin has less than its manifest says. */
  | 'fewer_than_promised'
  /** What the origin has does not continue the copy. The next request starts over. */
  | 'content_differs'
  /** The copy could not be read. The next request starts over. */
  | 'copy_not_read'
  /** A file too large for a copy, of which the origin does not say how much comes. */
  | 'length_unknown'
  | 'too_many_fetches'
  | 'too_many_streams';

export function failedReading(reason: FailedReadingReason, detail: string): FailedReading {
  return { kind: 'failed', reason, detail };
}

/** `bytes`: what the origin has of what was wanted. */
export function fewerThanPromised(bytes: number, bytesMin: number): FailedReading {
  return {
    ...failedReading('fewer_than_promised', `${bytes} of ${bytesMin} bytes`),
    originBytes: bytes,
  };
}
