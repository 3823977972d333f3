// Streams of what changes, for pages that are open: a bounded number of them, each as long as its token, none for a reader that is too slow.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Cancel, Clock } from '../../domain/clock.js';
import type { Gauge } from '../../observability/gauges.js';
import { errorBody, sendError } from '../http/error-reply.js';
import { eventFrame, EventStream } from '../http/event-stream.js';
import { CHANGE_BYTES_MAX, type ChangeLog } from './change-log.js';

export const CHANGE_STREAMS_MAX = 100;
/** What was written to a stream and not taken yet: everything there is to catch up with, and as much again. */
export const PENDING_BYTES_MAX = 2 * CHANGE_BYTES_MAX;
/** A line that readers pass over, so that whatever is on the way sees a connection in use. */
const HEARTBEAT = Buffer.from(': heartbeat\n\n');
const HEARTBEAT_EVERY_MS = 15_000;
const RETRY_AFTER_S = 5;

const ENDINGS = {
  token_expired: 'The access token has come to its end: connect again with a new one.',
  stopping: 'This replica is stopping: connect again.',
} as const;

export class ChangeStreams {
  readonly #clock: Clock;
  readonly #changes: ChangeLog;
  readonly #streams = new Set<ChangeStream>();
  readonly #beforeOpen: () => void;
  #isDraining = false;
  #refused = 0;
  #cancelBeat: Cancel = () => undefined;

  /** `beforeOpen`: brings `changes` up to date, where nobody does that while no stream is open. */
  constructor(clock: Clock, changes: ChangeLog, beforeOpen: () => void) {
    this.#clock = clock;
    this.#changes = changes;
    this.#beforeOpen = beforeOpen;
  }

  /** How many changes there were so far. */
  get changes(): number {
    return this.#changes.count;
  }

  get gauge(): Gauge {
    return { entries: this.#streams.size, entriesMax: CHANGE_STREAMS_MAX, reached: this.#refused };
  }

  answer(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (this.#isDraining) return sendError(reply, errorBody('stopping', ENDINGS.stopping), RETRY_AFTER_S);
    if (this.#streams.size >= CHANGE_STREAMS_MAX) {
      this.#refused += 1;
      const text = `All ${CHANGE_STREAMS_MAX} places for streams of changes are taken.`;
      return sendError(reply, errorBody('too_many_streams', text), RETRY_AFTER_S);
    }
    this.#beforeOpen();
    const lastSeen = request.headers['last-event-id'];
    const frames = this.#changes.since(typeof lastSeen === 'string' ? lastSeen : undefined);
    this.#add(request, new ChangeStream(new EventStream(reply)), frames);
    return reply;
  }

  /** Ends every stream; no new one is opened. */
  drain(): void {
    this.#isDraining = true;
    for (const stream of this.#streams) stream.end('stopping');
  }

  #add(request: FastifyRequest, stream: ChangeStream, frames: readonly Buffer[]): void {
    if (this.#streams.size === 0) this.#beat();
    this.#streams.add(stream);
    const unsubscribe = this.#changes.subscribe((frame) => {
      stream.send(frame);
    });
    stream.open(frames);
    const forgetToken = request.whileGranted(() => {
      stream.end('token_expired');
    });
    stream.onGone(() => {
      forgetToken();
      unsubscribe();
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#cancelBeat();
    });
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.schedule(HEARTBEAT_EVERY_MS, () => {
      for (const stream of this.#streams) stream.send(HEARTBEAT);
      this.#beat();
    });
  }
}

class ChangeStream {
  readonly #stream: EventStream;
  #pendingBytes = 0;
  #isOver = false;

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  open(frames: readonly Buffer[]): void {
    this.#stream.begin();
    for (const frame of frames) this.send(frame);
  }

  /** One frame is one write: what comes next cannot come in between. */
  send(frame: Buffer): void {
    if (this.#isOver) return;
    if (this.#pendingBytes + frame.length > PENDING_BYTES_MAX) {
      this.#isOver = true;
      this.#stream.breakOff();
      return;
    }
    this.#pendingBytes += frame.length;
    this.#stream.write(
      frame,
      () => undefined,
      () => {
        this.#pendingBytes -= frame.length;
      },
    );
  }

  end(reason: keyof typeof ENDINGS): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.end(eventFrame('end', JSON.stringify({ reason, message: ENDINGS[reason] })));
  }

  onGone(listener: () => void): void {
    this.#stream.onGone(listener);
  }
}
