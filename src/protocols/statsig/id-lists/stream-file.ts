// A file that has no copy, passed on as it comes: the head once it is known that the bytes after it will be right.
import type { FileFailure, IdListFileOrigin, NothingMore } from '../origin/id-list-file-origin.js';
import { FileBody, type BodyEnd } from './file-body.js';
import {
  failedReading,
  fewerThanPromised,
  type FailedReading,
  type FileReading,
  type FileWish,
} from './file-reading.js';
import type { IdListFile } from './id-list-file.js';

export type StreamOutcome = { readonly kind: 'streamed' } | { readonly kind: 'past-end' } | FailedReading;

export interface StreamedFile {
  readonly reading: Promise<FileReading>;
  /** Resolves when the origin's connection is done with. Never rejects, nor does `reading`. */
  readonly outcome: Promise<StreamOutcome>;
  /** Ends it, so that its reader gets an error; undefined where none of its bytes has come yet. */
  readonly breakOff: () => Promise<void> | undefined;
}

/**
 * Gives exactly what was promised, though there may be more by now: nobody gets half a line. Where nothing was promised,
 * what the origin has.
 */
export function streamFile(origin: IdListFileOrigin, file: IdListFile, wish: FileWish): StreamedFile {
  let tell: (reading: FileReading) => void = () => undefined;
  let body: FileBody | undefined;
  const reading = new Promise<FileReading>((resolve) => {
    tell = resolve;
  });
  const outcome = origin
    .fetch(file.url, wish.fromByte, async ({ startByte, endByte, breakOff }, bytes) => {
      const totalBytes = wish.bytesMin > 0 ? wish.bytesMin : endByte;
      if (endByte === undefined || totalBytes === undefined) {
        return failedReading('length_unknown', 'neither Content-Length nor Content-Range says where it ends');
      }
      if (endByte < totalBytes) return fewerThanPromised(endByte, totalBytes);
      if (wish.fromByte > 0 && wish.fromByte >= totalBytes) return pastEnd(tell, totalBytes);
      const pieces = skip(bytes, wish.fromByte - startByte);
      const first = await pieces.next();
      const end = await new Promise<BodyEnd>((resolve) => {
        body = new FileBody(rejoin(first, pieces), totalBytes - wish.fromByte, resolve);
        tell({ kind: 'bytes', totalBytes, body });
      });
      // First: the source may be waiting for a piece that is no longer wanted.
      breakOff();
      if (end !== undefined) throw end.error;
      return { kind: 'streamed' } as const;
    })
    .then((answer) => judge(answer, tell, wish));
  return { reading, outcome, breakOff: () => body?.breakOff() };
}

function judge(
  answer: StreamOutcome | NothingMore | FileFailure,
  tell: (reading: FileReading) => void,
  wish: FileWish,
): StreamOutcome {
  // Resolved already, if bytes had begun to arrive.
  if (answer.kind === 'failed') tell(answer);
  if (answer.kind !== 'nothing-more') return answer;
  const totalBytes = Math.min(answer.totalBytes ?? wish.fromByte, wish.fromByte);
  if (totalBytes >= wish.bytesMin) return pastEnd(tell, totalBytes);
  const failure = fewerThanPromised(totalBytes, wish.bytesMin);
  tell(failure);
  return failure;
}

function pastEnd(tell: (reading: FileReading) => void, totalBytes: number): StreamOutcome {
  tell({ kind: 'past-end', totalBytes });
  return { kind: 'past-end' };
}

async function* skip(
  pieces: AsyncIterable<Uint8Array>,
  skippedBytes: number,
): AsyncGenerator<Uint8Array, undefined> {
  let left = skippedBytes;
  for await (const piece of pieces) {
    const rest = piece.subarray(left);
    left -= piece.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

async function* rejoin(
  first: IteratorResult<Uint8Array, undefined>,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  if (first.done !== true) yield first.value;
  yield* rest;
}
