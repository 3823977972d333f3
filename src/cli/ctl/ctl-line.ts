// What can be typed after `ctl`: one command with its operands, and where and how to ask.
import { parseArgs } from 'node:util';

export interface CtlLine {
  readonly command: CtlCommand;
  readonly operands: readonly string[];
  readonly admin: string;
  /** Empty for none. */
  readonly tokenFile: string;
  readonly isJson: boolean;
  readonly reason: string;
  /** How long an order lasts; undefined for what the proxy takes then. */
  readonly forS: number | undefined;
  readonly lines: number;
}

/** How many operands each takes, and how it is typed. */
const COMMANDS = {
  status: [0, 0, 'status', 'the verdict, and what is wrong'],
  specs: [0, 0, 'specs', 'every spec that is held'],
  versions: [1, 1, 'versions SPEC', 'the versions of a spec that are kept'],
  diff: [3, 3, 'diff SPEC FROM TO', 'what differs between two of them'],
  holds: [0, 0, 'holds', 'what is frozen, rolled back or held back'],
  freeze: [1, 1, 'freeze SPEC --reason TEXT', 'keep the version in force, whatever comes'],
  rollback: [2, 2, 'rollback SPEC VERSION --reason TEXT', 'serve an earlier version'],
  release: [1, 1, 'release SPEC', 'end either, or accept an update that is held back'],
  refuse: [1, 1, 'refuse SPEC --reason TEXT', 'keep an update that is held back from clients'],
  audit: [0, 0, 'audit', 'the newest lines of the audit log'],
  names: [0, 0, 'names', 'what may stand for SPEC, one a line'],
  completion: [0, 0, 'completion', 'a script for bash that completes commands and names'],
} as const;

export type CtlCommand = keyof typeof COMMANDS;
export const CTL_COMMANDS = Object.keys(COMMANDS) as readonly CtlCommand[];

const ADMIN = 'http://127.0.0.1:8001';
const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const LINES = 100;

export const CTL_HELP = `Usage: spec-forward-proxy ctl COMMAND [options]

Commands:
${Object.values(COMMANDS)
  .map(([, , typed, what]) => `  ${typed.padEnd(38)}${what}`)
  .join('\n')}

SPEC is KEY, KEY/API or KEY/API/FORMAT: KEY is a key's name, its masked form, or the beginning of its SHA-256. Where it names
several specs of one key, an order is for all of them.

Options:
  --admin URL         the admin port (${ADMIN})
  --token-file FILE   a file with an access token
  --reason TEXT       why, for the audit log
  --for TIME          how long an order lasts: 90s, 30m, 12h or 7d (12h)
  --lines N           of the audit log (${LINES})
  --json              answer with JSON
`;

/** A text says what is wrong. */
export function readCtlLine(args: readonly string[]): CtlLine | string {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    return error instanceof Error ? error.message : 'wrong options';
  }
  const { values, positionals } = parsed;
  const [command = '', ...operands] = positionals;
  if (!isCommand(command)) return `ctl knows no command '${command}'`;
  const { reason = '', 'token-file': tokenFile = '', json: isJson } = values;
  const forS = readSeconds(values.for);
  const lines = Number(values.lines);
  const fault = faultOf(command, operands, reason) ?? faultOfValues(forS, lines, values.admin);
  if (fault !== undefined) return fault;
  const admin = values.admin.replace(/\/+$/, '');
  return { command, operands, admin, tokenFile, isJson, reason, forS, lines };
}

function faultOf(command: CtlCommand, operands: readonly string[], reason: string): string | undefined {
  const [least, most, typed] = COMMANDS[command];
  if (operands.length < least || operands.length > most) return `type: ctl ${typed}`;
  return typed.includes('--reason') && reason === '' ? `say why: ctl ${typed}` : undefined;
}

function faultOfValues(forS: number | undefined, lines: number, admin: string): string | undefined {
  if (Number.isNaN(forS)) return '--for takes a time as 90s, 30m, 12h or 7d';
  if (!Number.isInteger(lines) || lines < 1) return '--lines takes a number';
  return URL.canParse(admin) ? undefined : '--admin takes a URL';
}

const OPTIONS = {
  admin: { type: 'string', default: ADMIN },
  'token-file': { type: 'string' },
  reason: { type: 'string' },
  for: { type: 'string' },
  lines: { type: 'string', default: String(LINES) },
  json: { type: 'boolean', default: false },
} as const;

function isCommand(text: string): text is CtlCommand {
  return Object.hasOwn(COMMANDS, text);
}

/** NaN for what is no time. */
function readSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  return Number(number) * SECONDS[unit as keyof typeof SECONDS];
}
