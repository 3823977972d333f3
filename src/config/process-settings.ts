// Settings of the process itself.
import { SECONDS, integer, oneOf, text, toggle } from './setting-rows.js';

export const processSettings = {
  logLevel: text({
    ...oneOf('debug', 'info', 'warn', 'error'),
    isCommon: true,
    flag: 'log-level',
    env: 'SFP_LOG_LEVEL',
    default: 'info',
    unit: 'level',
    help: 'least severe level that is logged; debug adds a line with its latency for every event',
  }),
  logFormat: text({
    ...oneOf('auto', 'json', 'pretty'),
    isCommon: true,
    flag: 'log-format',
    env: 'SFP_LOG_FORMAT',
    default: 'auto',
    unit: 'format',
    help: 'form of log lines: json for machines, pretty for people; auto is pretty on a terminal, and json everywhere else',
  }),
  debugLogging: toggle({
    flag: 'debug-logging',
    env: 'SFP_DEBUG_LOGGING',
    help: 'the same as --log-level debug, whatever that is set to',
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
  accessLog: toggle({
    flag: 'access-log',
    env: 'SFP_ACCESS_LOG',
    help: 'add a log line for every answer of the HTTP port: method, route, masked key, status, bytes, milliseconds, SDK',
  }),
  instanceName: text({
    flag: 'instance-name',
    env: 'HOSTNAME',
    default: '',
    unit: 'name',
    pattern: /^[\x21-\x7e]{0,255}$/,
    patternText: 'up to 255 printable ASCII characters without spaces',
    help: 'name of this replica in x-sfp-hostname and in logs; also spreads its polls in time; if not set, the host name',
  }),
} as const;
