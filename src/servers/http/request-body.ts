// A request's body as it comes, whole and unread; no more of all of them at one time than there is room for.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../domain/clock.js';

const BYTES_PER_TURN = 1024 * 1024;
/** How long an upload may go on that was answered already. */
const GOES_ON_MS_MAX = 5_000;

export interface BodyRoomOptions {
  /** Of one body, as it travels. */
  readonly bodyBytesMax: number;
  /** Of all bodies that are arriving, or arrived and are not answered yet. */
  readonly allBytesMax: number;
}

export type ReceivedBody =
  | { readonly kind: 'received'; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  /** Too many bodies are arriving. */
  | { readonly kind: 'no-room' }
  /** The client went away: nobody waits for an answer. */
  | { readonly kind: 'broken-off' };

export class BodyRoom {
  readonly #options: BodyRoomOptions;
  #bytes = 0;

  constructor(options: BodyRoomOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `use` gets what was received; its bytes count until it is done. */
  async receive<Result>(
    request: IncomingMessage,
    use: (received: ReceivedBody) => Promise<Result>,
  ): Promise<Result> {
    let taken = 0;
    const take = (bytes: number): Exclude<ReceivedBody['kind'], 'received' | 'broken-off'> | undefined => {
      taken += bytes;
      this.#bytes += bytes;
      if (taken > this.#options.bodyBytesMax) return 'too-large';
      return this.#bytes > this.#options.allBytesMax ? 'no-room' : undefined;
    };
    try {
      const announced = Number(request.headers['content-length'] ?? 0);
      if (announced > this.#options.bodyBytesMax) return await use(refuse(request, 'too-large'));
      return await use(await collect(request, take));
    } finally {
      this.#bytes -= taken;
    }
  }
}

/** `take` counts a piece, and says why it may not be taken in. What was taken in is let go of before that is known. */
function collect(
  request: IncomingMessage,
  take: (bytes: number) => 'too-large' | 'no-room' | undefined,
): Promise<ReceivedBody> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const leave = (): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const onData = (piece: Buffer): void => {
      const refusal = take(piece.length);
      if (refusal === undefined) {
        pieces.push(piece);
        return;
      }
      pieces.length = 0;
      leave();
      resolve(refuse(request, refusal));
    };
    const onEnd = (): void => {
      leave();
      resolve(joinInTurns(pieces).then((body) => ({ kind: 'received', body })));
    };
    // Before the end: the client broke off.
    const onClose = (): void => {
      pieces.length = 0;
      leave();
      resolve({ kind: 'broken-off' });
    };
    request.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onClose);
  });
}

/** What still comes is read and let go: a client that writes on would else be cut off before it reads the answer. */
function refuse(request: IncomingMessage, kind: 'too-large' | 'no-room'): ReceivedBody {
  request.on('error', ignoreBreak);
  request.resume();
  return { kind };
}

/** Who was refused may break off: his answer is on its way, or in vain. */
function ignoreBreak(): void {
  return undefined;
}

/** To be called before the answer: who got it and goes on sending has a moment to read it. */
export function cutWhenAnswered(clock: Clock, request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    const cancel = clock.schedule(GOES_ON_MS_MAX, () => {
      if (!request.complete) request.destroy();
    });
    request.once('close', cancel);
  });
}

/** Joined at once, 20 MiB would stall the event loop for about 10 ms. */
async function joinInTurns(pieces: Buffer[]): Promise<Buffer> {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (bytes <= BYTES_PER_TURN) return Buffer.concat(pieces.splice(0));
  const joined = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  let turnEnds = BYTES_PER_TURN;
  for (const piece of pieces.splice(0)) {
    at += piece.copy(joined, at);
    if (at < turnEnds) continue;
    await nextTurn();
    turnEnds = at + BYTES_PER_TURN;
  }
  return joined;
}
