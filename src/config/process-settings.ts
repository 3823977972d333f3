// Settings of the process itself.
import { SECONDS, integer, text, toggle } from './setting-rows.js';

export const processSettings = {
  debugLogging: toggle({
    flag: 'debug-logging',
    env: 'SFP_DEBUG_LOGGING',
    help: 'add a log line with its latency for every event',
  }),
  shutdownDelayS: integer({
    ...SECONDS,
    flag: 'shutdown-delay-in-s',
    env: 'SFP_SHUTDOWN_DELAY_IN_S',
    default: 5,
    min: 0,
    max: 600,
    help: 'after SIGTERM, how long clients are still served while probes say "not ready": until no balancer sends any more; 0: not at all',
  }),
  instanceName: text({
    flag: 'instance-name',
    env: 'HOSTNAME',
    default: '',
    unit: 'name',
    pattern: /^[\x21-\x7e]{0,255}$/,
    patternText: 'up to 255 printable ASCII characters without spaces',
    help: "this replica's name, in x-sfp-hostname and in logs; its polls are timed by it; empty: the host's name",
  }),
} as const;
