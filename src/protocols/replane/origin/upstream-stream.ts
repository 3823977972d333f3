// One replication stream from Replane: opened, read up to its first frame, and followed from then on for as long as it lasts.
import type { Cancel, Clock } from '../../../domain/clock.js';
import { failed, type Failure } from '../../../domain/failure.js';
import { failedStatus, one } from '../../../http-client/answer-status.js';
import { EventReader, type ServerEvent } from '../../../http-client/event-reader.js';
import { discard, onceMore } from '../../../http-client/exchange.js';
import { judgeRefusal, type ForeignAnswerReason, type Refused } from '../../../http-client/foreign-answer.js';
import { toFailure, type RequestFailureReason } from '../../../http-client/upstream-failure.js';
import type { UpstreamPool, UpstreamResponse } from '../../../http-client/upstream-pool.js';
import type { ConfigSlice } from '../project/config-slice.js';
import { readFrame } from '../project/frames.js';

/** Replane sends something every 15 s: a stream that is silent for longer is dead, as its SDKs see it too. */
export const UPSTREAM_SILENCE_MS_MAX = 30_000;

/** Why Replane's answer is not used. Stable and machine-readable. */
export type ReplaneFailureReason =
  | `status_${number}`
  | ForeignAnswerReason
  | 'no_event_stream'
  /** The stream ended, or told of a change, before it said what there is. */
  | 'no_init';

/** Nothing of what clients hold goes to the origin: it would come back as if the origin had it. */
const BODY = Buffer.from('{"currentConfigs":[],"requiredConfigs":[]}');

/** Why we broke a stream off ourselves. */
class GivenUp extends Error {
  readonly failure: Failure<RequestFailureReason>;

  constructor(reason: RequestFailureReason, detail: string) {
    super(detail);
    this.failure = failed(reason, detail);
  }
}

export interface UpstreamStreamOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Until the first frame is there. */
  readonly openMsMax: number;
  /** Of one frame. */
  readonly frameBytesMax: number;
}

export interface StreamFollower {
  /** The origin tells of a change. Nothing else is told before this has resolved; never rejects. */
  changed(config: ConfigSlice): Promise<void>;
  /** Something came: all that the origin has told until now is here. */
  alive(): void;
  /** The stream is over, and not because we closed it. */
  ended(failure: Failure): void;
}

export type StreamOpening =
  | { readonly kind: 'opened'; readonly stream: UpstreamStream; readonly configs: readonly ConfigSlice[] }
  | Refused
  | Failure<ReplaneFailureReason | RequestFailureReason>;

/** Never rejects. */
export async function openUpstreamStream(
  clock: Clock,
  pool: UpstreamPool,
  options: UpstreamStreamOptions,
): Promise<StreamOpening> {
  const abort = new AbortController();
  const untrack = pool.track(abort);
  const stream = new UpstreamStream(clock, abort, untrack, options.frameBytesMax);
  const cancel = clock.schedule(options.openMsMax, () => {
    abort.abort(new GivenUp('request_timeout', `no first frame within ${options.openMsMax} ms`));
  });
  let opening: StreamOpening;
  try {
    const { url, headers } = options;
    const response = await onceMore(() => pool.stream(url, headers, abort.signal, BODY));
    opening = await judge(clock, response, stream);
  } catch (error) {
    opening = whyBroken(abort.signal, error);
  }
  cancel();
  if (opening.kind !== 'opened') stream.close();
  return opening;
}

async function judge(
  clock: Clock,
  response: UpstreamResponse,
  stream: UpstreamStream,
): Promise<StreamOpening> {
  const { statusCode: status, headers } = response;
  if (status === 401) return await judgeRefusal(clock, response);
  const isStream = one(headers['content-type']).startsWith('text/event-stream');
  if (status === 200 && isStream && headers['content-encoding'] === undefined) {
    const configs = await stream.readInit(response);
    return configs === undefined
      ? failed('no_init', 'the stream did not begin with what there is')
      : { kind: 'opened', stream, configs };
  }
  await discard(response);
  if (status !== 200) return failedStatus(status, headers, clock.nowMs());
  return failed('no_event_stream', 'the answer is no plain stream of server-sent events');
}

export class UpstreamStream {
  readonly #clock: Clock;
  readonly #abort: AbortController;
  readonly #untrack: () => void;
  readonly #events: EventReader;
  #pieces: AsyncIterator<Buffer> | undefined;
  /** Came in one piece with the frame that was waited for. */
  #waiting: readonly ServerEvent[] = [];
  #cancelSilence: Cancel = () => undefined;
  #isClosed = false;
  /** Undefined where the follower is told of what comes. */
  #held: Promise<void> | undefined;
  #goOn: () => void = () => undefined;

  constructor(clock: Clock, abort: AbortController, untrack: () => void, frameBytesMax: number) {
    this.#clock = clock;
    this.#abort = abort;
    this.#untrack = untrack;
    this.#events = new EventReader(frameBytesMax);
  }

  /** Reads as far as the first frame; undefined where that is another one, or none comes. Rejects where the stream breaks. */
  async readInit(response: UpstreamResponse): Promise<readonly ConfigSlice[] | undefined> {
    this.#pieces = (response.body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    for (let events = await this.#next(); events !== undefined; events = await this.#next()) {
      for (const [index, { data }] of events.entries()) {
        const frame = readFrame(data);
        if (frame.kind === 'unknown') continue;
        this.#waiting = events.slice(index + 1);
        return frame.kind === 'init' ? frame.configs : undefined;
      }
    }
    return undefined;
  }

  /** Reads on, to the end; to be called once, after the first frame. Never rejects. */
  async follow(follower: StreamFollower): Promise<void> {
    try {
      let events: readonly ServerEvent[] | undefined = this.#waiting;
      this.#waiting = [];
      for (; events !== undefined; events = await this.#next()) await this.#tell(events, follower);
      this.#over(follower, failed('connection_lost', 'the stream ended'));
    } catch (error) {
      this.#over(follower, whyBroken(this.#abort.signal, error));
    }
  }

  /** The follower is told of nothing until `goOn`: what comes waits, most of it on the connection. */
  hold(): void {
    this.#held ??= new Promise((resolve) => {
      this.#goOn = resolve;
    });
  }

  goOn(): void {
    this.#held = undefined;
    this.#goOn();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.goOn();
    this.#cancelSilence();
    this.#untrack();
    this.#abort.abort();
  }

  async #tell(events: readonly ServerEvent[], follower: StreamFollower): Promise<void> {
    for (const { data } of events) {
      const frame = readFrame(data);
      // Whoever follows may have closed it at the one before.
      if (!(await this.#maySpeak())) return;
      if (frame.kind === 'change') await follower.changed(frame.config);
    }
    if (await this.#maySpeak()) follower.alive();
  }

  async #maySpeak(): Promise<boolean> {
    while (this.#held !== undefined) await this.#held;
    return !this.#isClosed;
  }

  #over(follower: StreamFollower, failure: Failure): void {
    if (this.#isClosed) return;
    this.close();
    follower.ended(failure);
  }

  /** The events of the next piece; undefined where the stream has ended. */
  async #next(): Promise<readonly ServerEvent[] | undefined> {
    // Whoever follows may have closed it at what came last.
    if (this.#isClosed) return undefined;
    this.#cancelSilence = this.#clock.schedule(UPSTREAM_SILENCE_MS_MAX, () => {
      this.#abort.abort(new GivenUp('body_timeout', `nothing came for ${UPSTREAM_SILENCE_MS_MAX} ms`));
    });
    const next = await this.#pieces?.next().finally(this.#cancelSilence);
    return next === undefined || next.done === true ? undefined : this.#events.push(next.value);
  }
}

function whyBroken({ reason }: AbortSignal, error: unknown): Failure<RequestFailureReason> {
  return reason instanceof GivenUp ? reason.failure : toFailure(error);
}
