// Profiles of this process for whoever asks the admin port, in the paths and the format that pprof's tools expect.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { OPERATE } from '../../auth/scopes.js';
import { errorBody, sendError } from '../http/error-reply.js';

/** The kinds by their names in pprof's paths. */
export type ProfileName = 'profile' | 'heap';

/** `missing`: this process cannot. `ended`: it is stopping. */
export type NoProfile = 'busy' | 'missing' | 'ended' | 'failed';

export interface ProfileSource {
  /** Of the longest profile. */
  readonly secondsMax: number;
  /** A compressed profile, or why there is none; never rejects. The signal ends it early. */
  collect(name: ProfileName, seconds: number, signal: AbortSignal): Promise<Buffer | NoProfile>;
}

interface ProfileQuery {
  readonly Querystring: { readonly seconds?: string | string[] };
}

/** What pprof's tools ask for where nobody says otherwise. */
const SECONDS = 30;
const BUSY_RETRY_AFTER_S = 10;

export function addProfileRoutes(app: FastifyInstance, source: ProfileSource): void {
  for (const name of ['profile', 'heap'] as const) {
    // To see whether it is there, HEAD would have to collect one.
    const options = { exposeHeadRoute: false, config: { needs: OPERATE } } as const;
    app.get<ProfileQuery>(`/debug/pprof/${name}`, options, async ({ query }, reply) => {
      const seconds = readSeconds(query.seconds, source.secondsMax);
      if (seconds === undefined) {
        const text = `seconds must be a whole number from 1 to ${source.secondsMax}.`;
        return sendError(reply, errorBody('request_invalid', text));
      }
      const profile = await source.collect(name, seconds, untilGone(reply));
      if (typeof profile === 'string') return refuse(reply, profile);
      return reply
        .header('content-type', 'application/octet-stream')
        .header('content-disposition', `attachment; filename="${name}.pb.gz"`)
        .header('cache-control', 'no-store')
        .send(profile);
    });
  }
}

function readSeconds(given: string | string[] | undefined, secondsMax: number): number | undefined {
  if (given === undefined) return Math.min(SECONDS, secondsMax);
  const seconds = typeof given === 'string' && /^\d{1,4}$/.test(given) ? Number(given) : 0;
  return seconds >= 1 && seconds <= secondsMax ? seconds : undefined;
}

/** Aborts when the client leaves. */
function untilGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    gone.abort();
  });
  return gone.signal;
}

function refuse(reply: FastifyReply, why: NoProfile): FastifyReply {
  switch (why) {
    case 'busy':
      return sendError(
        reply,
        errorBody('profiler_busy', 'Another profile is being collected: one at a time.'),
        BUSY_RETRY_AFTER_S,
      );
    case 'missing':
      return sendError(
        reply,
        errorBody(
          'profiler_missing',
          'The optional package @datadog/pprof is not installed, or has no binary for this platform.',
        ),
      );
    case 'ended':
      return sendError(reply, errorBody('stopping', 'This replica is stopping.'));
    case 'failed':
      return sendError(reply, errorBody('internal_error', 'No profile: the log of this proxy says why.'));
  }
}
