// The options of the subcommands `doctor` and `shadow`, beside those of the daemon.
import type { OwnOptions } from './own-options.js';

const JSON_REPORT = {
  kind: 'switch',
  flag: 'json',
  default: false,
  help: 'print the report as JSON',
} as const;

export const doctorOptions = {
  json: JSON_REPORT,
  strict: {
    kind: 'switch',
    flag: 'strict',
    default: false,
    help: 'exit with 1 for warnings too',
  },
  skip: {
    kind: 'text',
    flag: 'skip',
    default: '',
    unit: 'checks',
    pattern: /^(?:|[a-z-]+(?:,[a-z-]+)*)$/,
    patternText: 'names of checks, separated by commas',
    help: 'checks to leave out, by the names that the report shows',
  },
  balancerIdleTimeoutS: {
    kind: 'integer',
    flag: 'balancer-idle-timeout-in-s',
    default: 60,
    min: 1,
    max: 86_400,
    unit: 's',
    help: 'how long the load balancer in front keeps an idle connection: 60 s in nginx and AWS, 600 s in Google Cloud',
  },
} as const satisfies OwnOptions;

export const shadowOptions = {
  json: JSON_REPORT,
  against: {
    kind: 'url',
    flag: 'against',
    default: '',
    unit: 'url',
    help: 'the proxy or origin to compare with; required',
  },
  base: {
    kind: 'url',
    flag: 'base',
    default: '',
    unit: 'url',
    help: "this program's own proxy; where left out, the daemon on this machine, by its settings",
  },
  forS: {
    kind: 'integer',
    flag: 'for-s',
    default: 300,
    min: 1,
    max: 604_800,
    unit: 's',
    help: 'how long both are asked',
  },
  intervalS: {
    kind: 'integer',
    flag: 'interval-s',
    default: 10,
    min: 1,
    max: 3_600,
    unit: 's',
    help: 'between two rounds',
  },
  lateS: {
    kind: 'integer',
    flag: 'late-s',
    default: 60,
    min: 0,
    max: 86_400,
    unit: 's',
    help: 'how long one may be a version behind the other: the poll intervals and caches of both',
  },
} as const satisfies OwnOptions;

export const SUBCOMMANDS = [
  {
    name: 'doctor',
    usage: 'doctor [the same options] <MODE> <CACHE>',
    help: 'check what the daemon would need with these options, and print what is wrong and what to do; changes nothing',
    options: doctorOptions,
  },
  {
    name: 'shadow',
    usage: 'shadow --against <url>',
    help: 'ask this proxy and another one for every form of all pinned keys for a while, and report what differs',
    options: shadowOptions,
  },
] as const;
