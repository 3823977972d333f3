// Settings of what operators see and hold: earlier versions of specs, updates that are held back, and the audit log.
import { integer, SECONDS } from './setting-rows.js';

export const versionSettings = {
  versionsKept: integer({
    flag: 'versions-kept',
    env: 'SFP_VERSIONS_KEPT',
    default: 10,
    min: 1,
    max: 100,
    unit: 'versions',
    help: 'versions of each spec that are kept to be listed, compared and rolled back to: in the data directory where specs are kept there, in Redis where there is one, else in memory, 64 MiB in all',
  }),
  versionsMaxMib: integer({
    flag: 'versions-max-in-mib',
    env: 'SFP_VERSIONS_MAX_IN_MIB',
    default: 1024,
    min: 64,
    max: 1_048_576,
    unit: 'MiB',
    help: 'versions of specs kept in the data directory, of all specs together, as they came from the origin; those written longest ago leave first. 32 MiB of one spec, there and in Redis',
  }),
  guardLossPercent: integer({
    flag: 'guard-loss-percent',
    env: 'SFP_GUARD_LOSS_PERCENT',
    default: 0,
    min: 0,
    max: 100,
    unit: 'percent',
    help: 'hold back an update of a spec or a Replane project that loses more than this of its gates, of its configs, or of its size; 50 is a good value; 0: off',
  }),
  guardHoldS: integer({
    ...SECONDS,
    flag: 'guard-hold-in-s',
    env: 'SFP_GUARD_HOLD_IN_S',
    default: 3_600,
    min: 1,
    max: 604_800,
    help: 'how long such an update is held back, unless an operator accepts or refuses it before',
  }),
  auditDaysKept: integer({
    flag: 'audit-days-kept',
    env: 'SFP_AUDIT_DAYS_KEPT',
    default: 90,
    min: 1,
    max: 3_650,
    unit: 'days',
    help: 'how long lines of the audit log are kept: in the data directory all of this replica, in Redis the newest 1,000 of the fleet',
  }),
} as const;
