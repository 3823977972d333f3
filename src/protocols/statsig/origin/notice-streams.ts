// Hears of newer specs from an origin that is a proxy of this kind: one stream of notices for each spec, opened again whenever it breaks.
import type { PushListener, PushSource } from '../../../core/push-source.js';
import type { Clock } from '../../../domain/clock.js';
import { pause } from '../../../domain/deadline.js';
import { jittered } from '../../../domain/jitter.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { maskSdkKey } from '../../../domain/sdk-key.js';
import { EventReader } from '../../../http-client/event-reader.js';
import { discard } from '../../../http-client/exchange.js';
import { toFailure } from '../../../http-client/upstream-failure.js';
import { UpstreamPool, type UpstreamPoolOptions } from '../../../http-client/upstream-pool.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import type { ProxyPath } from '../proxy-path.js';
import { SPEC_V2 } from '../resource-kinds.js';

/** Between attempts: doubled after each that brought nothing, up to the longest. */
const AGAIN_MS_MIN = 1_000;
const AGAIN_MS_MAX = 60_000;

export interface NoticeStreamOptions extends UpstreamPoolOptions {
  /** Of config specs. */
  readonly endpoint: URL;
  readonly version: string;
  readonly path: ProxyPath;
}

export class NoticeStreams implements PushSource {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pool: UpstreamPool;
  readonly #options: NoticeStreamOptions;
  /** So that an origin without streams costs one line, not one for each spec. */
  #hasTold = false;

  constructor(clock: Clock, log: Logger, options: NoticeStreamOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#pool = new UpstreamPool(clock, options);
    this.#options = options;
  }

  watch(key: PayloadKey, listener: PushListener): () => void {
    const ended = new AbortController();
    const untrack = this.#pool.track(ended);
    inBackground(this.#listenOn(key, listener, ended.signal), this.#log);
    return () => {
      untrack();
      ended.abort();
    };
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #listenOn(key: PayloadKey, listener: PushListener, signal: AbortSignal): Promise<void> {
    let inVain = 0;
    while (!signal.aborted) {
      const wasLive = await this.#listenOnce(key, listener, signal);
      inVain = wasLive ? 0 : inVain + 1;
      const againMs = Math.min(AGAIN_MS_MAX, AGAIN_MS_MIN * 2 ** Math.min(inVain, 10));
      await pause(this.#clock, jittered(againMs), signal);
    }
  }

  /** Resolves when the stream has ended: whether it was one. Never rejects. */
  async #listenOnce(key: PayloadKey, listener: PushListener, signal: AbortSignal): Promise<boolean> {
    let isLive = false;
    try {
      const response = await this.#pool.stream(this.#urlOf(key), this.#headers(), signal);
      const type = String(response.headers['content-type']);
      if (response.statusCode !== 200 || !type.startsWith('text/event-stream')) {
        await discard(response);
        this.#tellRefused(key, response.statusCode);
        return false;
      }
      const reader = new EventReader();
      for await (const piece of response.body as AsyncIterable<Buffer>) {
        for (const { data } of reader.push(piece)) {
          const version = versionIn(data);
          if (version === undefined) continue;
          if (!isLive) listener.live(true);
          isLive = true;
          listener.heard(version);
        }
      }
    } catch (error) {
      const { reason, detail } = toFailure(error);
      if (!signal.aborted) this.#log.debug({ ...about(key), reason, detail }, 'a stream of notices broke');
    }
    if (isLive && !signal.aborted) listener.live(false);
    return isLive;
  }

  #tellRefused(key: PayloadKey, status: number): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    this.#log.warn(
      { ...about(key), status },
      'the origin gives no stream of notices: polls go on as without --upstream-stream',
    );
  }

  #urlOf({ sdkKey, kind, format }: PayloadKey): URL {
    const base = this.#options.endpoint.href.replace(/\/+$/, '');
    const proto = format === 'protobuf' ? '&supports_proto=true' : '';
    const api = kind === SPEC_V2 ? 2 : 1;
    return new URL(`${base}/v1/stream/download_config_specs/${sdkKey}.json?v=${api}&notify=1${proto}`);
  }

  #headers(): Readonly<Record<string, string>> {
    const { version, path } = this.#options;
    return {
      accept: 'text/event-stream',
      'user-agent': `spec-forward-proxy/${version}`,
      'x-sfp-version': version,
      via: path.via,
    };
  }
}

function about({ sdkKey, kind }: PayloadKey): { readonly sdkKey: string; readonly api: string } {
  return { sdkKey: maskSdkKey(sdkKey), api: kind.name };
}

/** Undefined where it is no notice: an end has none. */
function versionIn(data: Buffer): number | undefined {
  try {
    const { lcut } = JSON.parse(data.toString()) as { readonly lcut?: unknown };
    return typeof lcut === 'number' && Number.isSafeInteger(lcut) && lcut > 0 ? lcut : undefined;
  } catch {
    return undefined;
  }
}
