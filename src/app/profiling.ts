// Profiles as a feature: collected for whoever asks the admin port.
import { Collector, PROFILE_MS_MAX, type ProfileFailureReason } from '../profiling/collector.js';
import { readInstruments as to } from '../observability/instruments.js';
import type { NoProfile, ProfileSource } from '../servers/admin/profile-routes.js';
import type { Feature } from './feature.js';
import type { World } from './world.js';

export interface Profiling {
  /** For the admin port. */
  readonly source: ProfileSource;
  readonly feature: Feature;
}

const KINDS = { profile: 'wall', heap: 'heap' } as const;

export function buildProfiling({ clock, log }: World): Profiling {
  const collector = new Collector(clock);
  const stopping = new AbortController();
  const source: ProfileSource = {
    secondsMax: PROFILE_MS_MAX / 1000,
    collect: async (name, seconds, gone) => {
      const signal = AbortSignal.any([gone, stopping.signal]);
      const collected = await collector.collect(KINDS[name], seconds * 1000, signal);
      if (Buffer.isBuffer(collected)) {
        log.info({ profile: name, seconds, bytes: collected.length }, 'profile collected');
        return collected;
      }
      const { reason, detail } = collected;
      log.warn({ profile: name, reason, detail }, 'profile not collected');
      return WHY[reason];
    },
  };
  return {
    source,
    feature: {
      name: 'profiles',
      drain: () => {
        stopping.abort();
      },
      readings: (write) => {
        for (const [kind, outcomes] of collector.outcomes) {
          for (const [outcome, count] of outcomes) write(to.profiles, count, kind, outcome);
        }
      },
    },
  };
}

const WHY = {
  profiler_missing: 'missing',
  profiler_busy: 'busy',
  profiler_failed: 'failed',
  profile_too_large: 'failed',
  profile_ended: 'ended',
} as const satisfies Readonly<Record<ProfileFailureReason, NoProfile>>;
