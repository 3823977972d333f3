// An origin of files that answers what its test says, in which way and when: what was asked of it is written down.
import {
  fileFailed,
  type FileFailure,
  type FileFailureReason,
  type IdListFileOrigin,
  type NothingMore,
  type TakePart,
} from '../../../../src/protocols/statsig/origin/id-list-file-origin.js';
import { Gate } from '../../../fakes/gate.js';

export interface Manner {
  /** The whole file comes, whatever was asked for. */
  readonly isWhole?: boolean;
  readonly tellsNoLength?: boolean;
  /** No byte comes. */
  readonly failure?: FileFailureReason;
  /** So many bytes come, and then the connection is lost, or what else is named. */
  readonly breaksAfterBytes?: number;
  readonly breaksAs?: FileFailureReason;
  /** So many bytes come, and then nothing, until somebody breaks off. */
  readonly stallsAfterBytes?: number;
}

class Broken extends Error {}

export class ScriptedOrigin implements IdListFileOrigin {
  readonly files = new Map<string, Buffer>();
  /** `url from`, as the questions came. */
  readonly asked: string[] = [];
  manner: Manner = {};
  pieceBytesMax = 7;
  inFlight = 0;
  inFlightMax = 0;
  /** Parts that were broken off before their end. */
  brokenOff = 0;
  isClosed = false;
  readonly #gate = new Gate();

  /** Nothing is answered until the returned function is called. */
  hold(): () => void {
    return this.#gate.hold();
  }

  async fetch<Taken extends object>(
    url: string,
    fromByte: number,
    take: TakePart<Taken>,
  ): Promise<Taken | NothingMore | FileFailure> {
    this.asked.push(`${url} ${fromByte}`);
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    try {
      await this.#gate.opened;
      return await this.#answer(url, fromByte, take);
    } catch (error) {
      if (error instanceof Broken)
        return fileFailed(this.manner.breaksAs ?? 'connection_lost', 'as scripted');
      throw error;
    } finally {
      this.inFlight -= 1;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #answer<Taken extends object>(
    url: string,
    fromByte: number,
    take: TakePart<Taken>,
  ): Promise<Taken | NothingMore | FileFailure> {
    if (this.isClosed) return fileFailed('closed', 'as scripted');
    const { failure, isWhole, tellsNoLength } = this.manner;
    if (failure !== undefined) return fileFailed(failure, 'as scripted');
    const file = this.files.get(url) ?? Buffer.alloc(0);
    if (isWhole !== true && fromByte > 0 && fromByte >= file.length) {
      return { kind: 'nothing-more', totalBytes: file.length };
    }
    const startByte = isWhole === true ? 0 : fromByte;
    let breakOff = (): void => undefined;
    const broken = new Promise<void>((resolve) => {
      breakOff = resolve;
    });
    const endByte = tellsNoLength === true ? undefined : file.length;
    return await take({ startByte, endByte, breakOff }, this.#pieces(file.subarray(startByte), broken));
  }

  async *#pieces(part: Buffer, broken: Promise<void>): AsyncGenerator<Uint8Array, undefined> {
    const { breaksAfterBytes = Infinity, stallsAfterBytes = Infinity } = this.manner;
    let isOver = false;
    try {
      for (let at = 0; ;) {
        if (at >= stallsAfterBytes) await broken;
        if (at >= breaksAfterBytes || at >= stallsAfterBytes) throw new Broken();
        if (at >= part.length) break;
        const piece = part.subarray(
          at,
          Math.min(at + this.pieceBytesMax, breaksAfterBytes, stallsAfterBytes),
        );
        yield piece;
        at += piece.length;
      }
      isOver = true;
    } finally {
      if (!isOver) this.brokenOff += 1;
    }
  }
}
