// Manifests of ID lists from their origin: one POST, one outcome; a version made from when the origin answered.
import type { Clock } from '../../../domain/clock.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import { toEtag } from '../../../domain/etag.js';
import { isInFuture } from '../../../domain/version.js';
import type { FetchOutcome, Origin } from '../../../core/origin.js';
import { takeInBody } from '../../../bodies/body-intake.js';
import { ManifestReader, MANIFEST_BYTES_MAX } from '../spec-body/manifest-reader.js';
import { createHash } from 'node:crypto';
import { answerInTime } from '../../../http-client/answer-in-time.js';
import { discard, onceMore } from '../../../http-client/exchange.js';
import {
  UpstreamPool,
  type UpstreamPoolOptions,
  type UpstreamResponse,
} from '../../../http-client/upstream-pool.js';
import { judgeRefusal } from '../../../http-client/foreign-answer.js';
import { withAge } from './relayed-answer.js';
import { judgeHead } from './upstream-response.js';
import type { ProxyPath } from '../proxy-path.js';
import type { RequestSignal } from '../../../http-client/request-signal.js';

const LIMITS = { encodedBytesMax: MANIFEST_BYTES_MAX, decodedBytesMax: MANIFEST_BYTES_MAX };
/** What SFP and node-legacy send. */
const BODY = Buffer.from('{}');

export interface ManifestClientOptions extends UpstreamPoolOptions {
  /** With a path prefix where the origin stands under one. */
  readonly endpoint: URL;
  readonly requestTimeoutMs: number;
  /** Our own version, told to the origin. */
  readonly version: string;
  /** The way to the origin. */
  readonly path: ProxyPath;
}

/** To be asked for manifests only. `sinceTime` is not sent: every answer is a whole manifest. */
export function createManifestClient(clock: Clock, options: ManifestClientOptions): Origin {
  const pool = new UpstreamPool(clock, options);
  const base = options.endpoint.href.replace(/\/+$/, '');

  async function ask(key: PayloadKey, sinceTime: number, signal: RequestSignal): Promise<FetchOutcome> {
    const headers = {
      'accept-encoding': 'br, gzip',
      'content-type': 'application/json',
      'statsig-api-key': key.sdkKey,
      'user-agent': `spec-forward-proxy/${options.version}`,
      'x-sfp-version': options.version,
      via: options.path.via,
    };
    const url = new URL(base + key.kind.path);
    const response = await onceMore(() => pool.post(url, headers, BODY, signal));
    const plan = judgeHead(key, response.statusCode, response.headers, clock.nowMs());
    if (plan.kind === 'unauthorized') return await judgeRefusal(clock, response);
    if (plan.kind !== 'read-body') {
      await discard(response);
      return plan;
    }
    const reader = new ManifestReader();
    await takeInBody(response.body, plan.encoding, reader, LIMITS);
    const { bytes } = reader;
    const hash = createHash('sha256').update(bytes);
    const outcome: FetchOutcome = {
      kind: 'updated',
      payload: {
        format: 'json',
        version: versionOf(answeredAtMs(clock, response), hash.copy().digest(), sinceTime),
        originForm: { encoding: 'identity', bytes, etag: toEtag(hash) },
        identityBytes: bytes.length,
      },
    };
    return withAge(outcome, response.headers);
  }

  return {
    fetch: (key, sinceTime) =>
      answerInTime(clock, pool, options.requestTimeoutMs, (signal) => ask(key, sinceTime, signal)),
    close: () => pool.close(),
  };
}

/**
 * A manifest names no time of its own. Its version is the second of the answer, or the one after `sinceTime` where that
 * answer is no newer. The milliseconds come from the body, so that replicas that were given different bodies in one second
 * do not take them for the same.
 */
function versionOf(answeredAtMs: number, sha256: Buffer, sinceTime: number): number {
  const bodyMs = sha256.readUInt32BE(0) % 1000;
  const version = toSecondMs(answeredAtMs) + bodyMs;
  return version > sinceTime ? version : toSecondMs(sinceTime) + 1000 + bodyMs;
}

/** By the origin's clock where it tells that and can be right, so that replicas whose clocks differ agree. */
function answeredAtMs(clock: Clock, { headers: { date } }: UpstreamResponse): number {
  const answeredMs = typeof date === 'string' ? Date.parse(date) : NaN;
  const nowMs = clock.nowMs();
  return Number.isNaN(answeredMs) || isInFuture(answeredMs, nowMs) ? nowMs : answeredMs;
}

function toSecondMs(timeMs: number): number {
  return Math.floor(timeMs / 1000) * 1000;
}
