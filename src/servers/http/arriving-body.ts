// One request's body while it arrives: its pieces are handed over until it ends, breaks off or is stopped.
import type { IncomingMessage } from 'node:http';

/** `broken-off`: the client went away. */
export type BodyEnd = 'ended' | 'broken-off' | 'too-large' | 'no-room';

export class ArrivingBody {
  readonly request: IncomingMessage;
  readonly end: Promise<BodyEnd>;
  readonly #onPiece: (piece: Buffer) => void;
  #resolve: (end: BodyEnd) => void = () => undefined;

  constructor(request: IncomingMessage, onPiece: (piece: Buffer) => void) {
    this.request = request;
    this.#onPiece = onPiece;
    this.end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    request.on('data', onPiece).once('end', this.#onEnd).once('close', this.#onClose);
    request.once('error', this.#onClose);
  }

  /** No further piece is handed over. */
  stop(end: BodyEnd): void {
    const { request } = this;
    request.off('data', this.#onPiece).off('end', this.#onEnd).off('close', this.#onClose);
    request.off('error', this.#onClose);
    this.#resolve(end);
  }

  readonly #onEnd = (): void => {
    this.stop('ended');
  };

  readonly #onClose = (): void => {
    this.stop('broken-off');
  };
}
