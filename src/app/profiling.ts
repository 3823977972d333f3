// Profiles as a feature: collected for whoever asks the admin port, and sent to Google Cloud while that is switched on.
import type { Config } from '../config/load-config.js';
import { readInstruments as to } from '../observability/instruments.js';
import { Collector, PROFILE_MS_MAX, type ProfileFailureReason } from '../profiling/collector.js';
import type { CloudAgent } from '../profiling/google/cloud-agent.js';
import type { NoProfile, ProfileSource } from '../servers/admin/profile-routes.js';
import { buildCloudProfiles } from './cloud-profiles.js';
import type { Feature } from './feature.js';
import type { World } from './world.js';

export interface Profiling {
  /** For the admin port. */
  readonly source: ProfileSource;
  readonly feature: Feature;
  /** From now on these certificate authorities count, as for origins. */
  readonly trust: (caPem: string) => void;
}

export function buildProfiling(config: Config, world: World): Profiling {
  const collector = new Collector(world.clock);
  const { google } = config.profiling;
  const cloud = google && buildCloudProfiles(config, world, google, collector);
  const stopping = new AbortController();
  return {
    source: toSource(world, collector, stopping.signal),
    trust: (caPem) => cloud?.trust(caPem),
    feature: {
      name: 'profiles',
      open: () => cloud?.agent.start(),
      drain: () => {
        stopping.abort();
        cloud?.agent.stop();
      },
      close: () => cloud?.close(),
      readings: (write) => {
        for (const [kind, outcomes] of collector.outcomes) {
          for (const [outcome, count] of outcomes) write(to.profiles, count, kind, outcome);
        }
        if (cloud !== undefined) write(to.profilesSent, cloud.agent.standing.sent);
      },
      status: () => ({
        profiles: {
          isCollecting: collector.isCollecting,
          collected: Object.fromEntries(
            [...collector.outcomes].map(([kind, outcomes]) => [kind, Object.fromEntries(outcomes)]),
          ),
          ...(cloud && { googleCloud: toTold(cloud.agent.standing) }),
        },
      }),
    },
  };
}

function toTold({ isOn, sent, nextInMs, failing }: CloudAgent['standing']): object {
  return {
    isOn,
    sent,
    ...(nextInMs !== undefined && { nextInS: Math.round(nextInMs / 1000) }),
    ...(failing && {
      failing: {
        since: new Date(failing.sinceMs).toISOString(),
        reason: failing.reason,
        detail: failing.detail,
      },
    }),
  };
}

function toSource({ log }: World, collector: Collector, stopping: AbortSignal): ProfileSource {
  return {
    secondsMax: PROFILE_MS_MAX / 1000,
    collect: async (name, seconds, gone) => {
      const collected = await collector.collect(
        KINDS[name],
        seconds * 1000,
        AbortSignal.any([gone, stopping]),
      );
      if (Buffer.isBuffer(collected)) {
        log.info({ profile: name, seconds, bytes: collected.length }, 'profile collected');
        return collected;
      }
      const { reason, detail } = collected;
      log.warn({ profile: name, reason, detail }, 'profile not collected');
      return WHY[reason];
    },
  };
}

const KINDS = { profile: 'wall', heap: 'heap' } as const;

const WHY = {
  profiler_missing: 'missing',
  profiler_busy: 'busy',
  profiler_failed: 'failed',
  profile_too_large: 'failed',
  profile_ended: 'ended',
} as const satisfies Readonly<Record<ProfileFailureReason, NoProfile>>;
