// Profiles as a feature: collected for whoever asks the admin port, and sent to Google Cloud while that is switched on.
import type { Config } from '../config/load-config.js';
import type { StatsigProject } from '../config/statsig-projects.js';
import type { PayloadStore } from '../core/payload-store.js';
import { readInstruments as to } from '../observability/instruments.js';
import { Collector, PROFILE_MS_MAX, type ProfileFailureReason } from '../profiling/collector.js';
import type { CloudAgent } from '../profiling/google/cloud-agent.js';
import { GateWatch } from '../protocols/statsig/gates/gate-watch.js';
import { askThread } from '../protocols/statsig/gates/threaded-gate.js';
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

/** The name that SFP gave it. */
const GATE = 'enable_gcp_profiler_for_sfp';

export function buildProfiling(config: Config, world: World, store: PayloadStore): Profiling {
  const collector = new Collector(world.clock);
  const { google } = config.profiling;
  const cloud = google && buildCloudProfiles(config, world, google, collector);
  const gate =
    cloud &&
    config.profiling.gateProject &&
    watchGate(world, config.profiling.gateProject, store, cloud.agent);
  const stopping = new AbortController();
  return {
    source: toSource(world, collector, stopping.signal),
    trust: (caPem) => cloud?.trust(caPem),
    feature: {
      name: 'profiles',
      open: () => {
        if (gate === undefined) cloud?.agent.start();
      },
      drain: () => {
        stopping.abort();
        gate?.stop();
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
          ...(gate && { gate: gateWord(gate) }),
          ...(cloud && { googleCloud: toTold(cloud.agent.standing) }),
        },
      }),
    },
  };
}

/** On while the gate is open by the spec that is held. */
function watchGate(
  { clock, log }: World,
  project: StatsigProject,
  store: PayloadStore,
  agent: CloudAgent,
): GateWatch {
  const watch = new GateWatch(
    log,
    { ...project, gate: GATE },
    (question) => askThread(clock, question),
    (isOpen) => {
      if (isOpen) agent.start();
      else agent.stop();
    },
  );
  store.subscribe(watch);
  return watch;
}

function gateWord({ isOpen }: GateWatch): 'open' | 'closed' | 'unknown' {
  if (isOpen === undefined) return 'unknown';
  return isOpen ? 'open' : 'closed';
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
