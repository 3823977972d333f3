// Settings of the process itself.
import { text, toggle } from './setting-rows.js';

export const processSettings = {
  debugLogging: toggle({
    flag: 'debug-logging',
    env: 'SFP_DEBUG_LOGGING',
    help: 'add a log line with its latency for every event',
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
    help: "this replica's name, in x-sfp-hostname and in logs; its polls are timed by it; empty: the host's name",
  }),
} as const;
