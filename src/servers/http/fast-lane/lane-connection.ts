// One connection in the fast lane: each piece that arrives is answered whole, or ends its time in the lane.
import type { Socket } from 'node:net';
import type { ConnectionPlace } from '../../listener/connection-limit.js';

/** Answers a piece by `write`; false where that cannot be done here. */
export type Serve = (connection: LaneConnection, piece: Buffer) => boolean;

/** Told once when a connection leaves the lane: because of a piece that is not for it, or undefined where it closed. */
export type Leave = (connection: LaneConnection, piece: Buffer | undefined) => void;

export interface LaneTimeouts {
  readonly keepAliveMs: number;
  readonly idleMs: number;
}

const NOTHING = Buffer.alloc(0);

export class LaneConnection {
  readonly #socket: Socket;
  readonly #place: ConnectionPlace;
  readonly #timeouts: LaneTimeouts;
  readonly #serve: Serve;
  readonly #leave: Leave;
  #hasLeft = false;

  constructor(socket: Socket, place: ConnectionPlace, timeouts: LaneTimeouts, serve: Serve, leave: Leave) {
    this.#socket = socket;
    this.#place = place;
    this.#timeouts = timeouts;
    this.#serve = serve;
    this.#leave = leave;
    socket.setTimeout(timeouts.keepAliveMs);
    socket.on('data', this.#take).on('timeout', this.#end).on('error', this.#end).on('close', this.#close);
  }

  /** Writes an answer; `sent` is called once it was handed over to the system, and not at all where the client is gone before. */
  write(pieces: readonly Buffer[], sent: () => void): void {
    const socket = this.#socket;
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) socket.write(only);
    else writeTogether(socket, pieces);
    if (socket.writableLength === 0) {
      this.#place.prove();
      sent();
      return;
    }
    this.#place.begin();
    socket.setTimeout(this.#timeouts.idleMs);
    // Behind the answer, so that it tells when that has gone: 'drain' comes only after much was kept.
    socket.write(NOTHING, (error) => {
      if (!error) {
        if (!this.#hasLeft) socket.setTimeout(this.#timeouts.keepAliveMs);
        // Before the end: it may be what protects the connection from now on.
        this.#place.prove();
      }
      this.#place.end();
      if (!error) sent();
    });
  }

  closeIfIdle(): void {
    if (this.#socket.writableLength === 0) this.#socket.destroy();
  }

  readonly #take = (piece: Buffer): void => {
    // A client that asks on before it has its answer reads slowly, or pipelines.
    if (this.#socket.writableLength === 0 && this.#serve(this, piece)) return;
    this.#hasLeft = true;
    this.#socket
      .off('data', this.#take)
      .off('timeout', this.#end)
      .off('error', this.#end)
      .off('close', this.#close);
    this.#leave(this, piece);
  };

  readonly #end = (): void => {
    this.#socket.destroy();
  };

  readonly #close = (): void => {
    this.#leave(this, undefined);
  };
}

function writeTogether(socket: Socket, pieces: readonly Buffer[]): void {
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}
