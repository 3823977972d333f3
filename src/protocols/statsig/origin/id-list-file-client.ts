// Files of ID lists over HTTP, from whatever host a manifest names: the part that is missing, whatever comes instead.
import type { Clock } from '../../../domain/clock.js';
import {
  fileFailed,
  type FileFailure,
  type IdListFileOrigin,
  type NothingMore,
  type TakePart,
} from './id-list-file-origin.js';
import { answerInTime } from '../../../http-client/answer-in-time.js';
import { FileBytesFault, readPart } from './file-bytes.js';
import { judgeFileHead, type PartPlan } from './id-list-file-response.js';
import { toFailure } from '../../../http-client/upstream-failure.js';
import { discard } from '../../../http-client/exchange.js';
import { getFollowingRedirects } from '../../../http-client/upstream-get.js';
import {
  UpstreamPool,
  type UpstreamPoolOptions,
  type UpstreamResponse,
} from '../../../http-client/upstream-pool.js';
import type { RequestSignal } from '../../../http-client/request-signal.js';

/** For a file of some hundred MB; silence within it is cut off by the pool's own timeouts. */
const WHOLE_FILE_MS_MAX = 30 * 60_000;
/**
 * The Content-Range of a compressed part may count the bytes of either form. That it is meant as it has to be is seen
 * when all of it was decoded: up to this length it is kept until then, and beyond it the whole file is asked for.
 */
const DECODED_PART_BYTES_MAX = 1024 * 1024;

export interface IdListFileClientOptions extends UpstreamPoolOptions {
  /** Our own version, told to the origin. */
  readonly version: string;
}

export function createIdListFileClient(clock: Clock, options: IdListFileClientOptions): IdListFileOrigin {
  const pool = new UpstreamPool(clock, options);

  /** Undefined if the part cannot be used and the whole file has to be requested. */
  async function ask<Taken extends object>(
    url: URL,
    range: `bytes=${number}-` | undefined,
    fromByte: number,
    take: TakePart<Taken>,
    signal: RequestSignal,
  ): Promise<Taken | NothingMore | FileFailure | undefined> {
    const headers = {
      // SDKs count the bytes of this form, and ranges are ranges of it.
      'accept-encoding': 'identity',
      'user-agent': `spec-forward-proxy/${options.version}`,
      ...(range === undefined ? {} : { range }),
    };
    const answer = await getFollowingRedirects(pool, url, headers, signal);
    if ('kind' in answer) return answer;
    const { response } = answer;
    const plan = judgeFileHead(response.statusCode, response.headers, fromByte, clock.nowMs());
    if (plan.kind !== 'read-part') {
      await discard(response);
      return plan.kind === 'ask-whole' ? undefined : plan;
    }
    if (plan.encoding === 'identity' || plan.lengthBytes === undefined) {
      return await takeAsItComes(plan, response, take);
    }
    if (lengthOf(plan) <= DECODED_PART_BYTES_MAX) return await takeDecoded(plan, response, take);
    await discard(response);
    return undefined;
  }

  async function fetchFile<Taken extends object>(
    url: URL,
    fromByte: number,
    take: TakePart<Taken>,
    signal: RequestSignal,
  ): Promise<Taken | NothingMore | FileFailure> {
    try {
      // As SDKs ask, from the first byte on too: hosts have seen nothing else.
      const taken =
        (await ask(url, `bytes=${fromByte}-`, fromByte, take, signal)) ??
        (await ask(url, undefined, 0, take, signal));
      return taken ?? fileFailed('bad_content_range', 'a part of the file, twice of no use');
    } catch (error) {
      if (error instanceof FileBytesFault) return fileFailed(error.reason, error.message);
      throw error;
    }
  }

  return {
    fetch: async (url, fromByte, take) => {
      const parsed = URL.canParse(url) ? new URL(url) : undefined;
      if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
        return fileFailed('bad_url', 'not a URL of http or https');
      }
      return await answerInTime(clock, pool, WHOLE_FILE_MS_MAX, (signal) =>
        fetchFile(parsed, fromByte, take, signal),
      );
    },
    close: () => pool.close(),
  };
}

async function takeAsItComes<Taken>(
  plan: PartPlan,
  response: UpstreamResponse,
  take: TakePart<Taken>,
): Promise<Taken> {
  const { startByte, lengthBytes } = plan;
  const endByte = lengthBytes === undefined ? undefined : startByte + lengthBytes;
  response.body.on('error', ignore);
  const breakOff = (): void => {
    response.body.destroy();
  };
  try {
    return await take({ startByte, endByte, breakOff }, readPart(plan, response.body));
  } finally {
    // Where not all of it was read.
    breakOff();
  }
}

/** Undefined for a part that turns out not to be what its head says. */
async function takeDecoded<Taken>(
  plan: PartPlan,
  response: UpstreamResponse,
  take: TakePart<Taken>,
): Promise<Taken | undefined> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of readPart(plan, response.body)) pieces.push(piece);
  } catch (error) {
    // The connection's own failures say nothing about the part.
    if (error instanceof FileBytesFault || toFailure(error).reason === 'decoding_failed') return undefined;
    throw error;
  }
  async function* decoded(): AsyncGenerator<Uint8Array, undefined> {
    yield* pieces;
  }
  const { startByte } = plan;
  return await take({ startByte, endByte: startByte + lengthOf(plan), breakOff: ignore }, decoded());
}

/** Of a part with a Content-Range. */
function lengthOf(plan: PartPlan): number {
  return plan.lengthBytes ?? Infinity;
}

/** Errors of a body go to its reader; a body that was aborted has no reader any more. */
function ignore(): void {
  return undefined;
}
