// What can be typed: operands, options, help; knows nothing of what they do. The one door to commander.
import { Command, CommanderError, Option, type Help } from 'commander';
import type { CommandLine, SettingName } from '../config/command-line.js';
import { takeOwnOptions, type OwnOption, type OwnOptions, type TakenOptions } from '../config/own-options.js';
import { boundsText, type Setting } from '../config/setting.js';
import { IDLE_OPTIONS, type IdleOption } from '../config/sfp-leftovers.js';
import { settingGroups, settings } from '../config/settings.js';
import { doctorOptions, shadowOptions, SUBCOMMANDS } from '../config/subcommand-options.js';

export type Typed =
  /** Help or the version: text for standard output. */
  | { readonly kind: 'told'; readonly text: string }
  | { readonly kind: 'run'; readonly line: CommandLine }
  /** The `health` subcommand. */
  | { readonly kind: 'health'; readonly line: CommandLine }
  /** `line`: what the daemon would be started with. */
  | { readonly kind: 'doctor'; readonly line: CommandLine; readonly own: Own<typeof doctorOptions> }
  | { readonly kind: 'shadow'; readonly line: CommandLine; readonly own: Own<typeof shadowOptions> }
  /** `dead-letters --redis`. */
  | { readonly kind: 'dead-letters'; readonly line: CommandLine };

/** The subcommand's own options. */
type Own<Rows extends OwnOptions> = Omit<TakenOptions<Rows>, 'rest'>;

const HEALTH = 'health';

const COMMANDS = [
  ['health', 'ask the daemon on this machine for /v1/health; exits with 0 if it is alive, else with 1'],
  ['health --grpc', 'ask its gRPC health service; exits with 0 if it serves, else with 1'],
  [
    'ctl COMMAND',
    'ask the admin port of a running daemon, or have it freeze or roll back specs: see ctl --help',
  ],
  [
    'audit verify PATH',
    'check a folder or a file of the audit log; exits with 0 if no line was edited, cut or moved, else with 1',
  ],
  [
    'dead-letters FOLDER',
    'print what was given up from a folder of log events, opened; --data-key-file FILE names its keys',
  ],
  [
    'dead-letters --redis [MODE CACHE]',
    "the same from the queue in Redis, which the daemon's options and variables name",
  ],
  [
    'grpc-health-probe -addr=:50051',
    'the same with the flags and the exit status of the program of that name',
  ],
] as const;

const EXAMPLES = `
Examples:
  spec-forward-proxy http disabled
  spec-forward-proxy grpc-and-http local --data-dir /var/lib/specs
  spec-forward-proxy http redis -p 5 --sdk-keys-file /etc/statsig/keys
  spec-forward-proxy health --http-port 8000
  spec-forward-proxy doctor http redis -p 5 --sdk-keys-file /etc/statsig/keys
  spec-forward-proxy shadow --against http://statsig-forward-proxy:8000

Exit status: 0 stopped by a signal, or nothing wrong; 1 failed; 2 wrong options.`;

/**
 * `args`: what follows the program's name. Wrong input is not refused here but handed on, to be reported as a whole.
 * `helpWidth`: columns of the terminal.
 */
export function readCommandLine(args: readonly string[], version: string, helpWidth = 80): Typed {
  const [first, ...others] = args;
  switch (first) {
    case 'doctor': {
      const { rest, ...own } = takeOwnOptions(others, doctorOptions);
      const read = readArguments(rest, version, helpWidth);
      return 'text' in read ? read : { kind: 'doctor', line: read, own };
    }
    case 'shadow': {
      const { rest, ...own } = takeOwnOptions(others, shadowOptions);
      const read = readArguments(rest, version, helpWidth);
      return 'text' in read ? read : { kind: 'shadow', line: read, own };
    }
    case 'dead-letters': {
      const read = readArguments(others.slice(1), version, helpWidth);
      return 'text' in read ? read : { kind: 'dead-letters', line: read };
    }
    default: {
      const read = readArguments(args, version, helpWidth);
      if ('text' in read) return read;
      return { kind: read.operands[0] === HEALTH ? 'health' : 'run', line: read };
    }
  }
}

function readArguments(
  args: readonly string[],
  version: string,
  helpWidth: number,
): Extract<Typed, { readonly kind: 'told' }> | CommandLine {
  let told = '';
  const program = buildProgram(version, helpWidth, (text) => {
    told += text;
  });
  try {
    program.parse(withFlagValues(args.flatMap(splitShortOption).map(withoutAlias)), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && told !== '') return { kind: 'told', text: told };
    throw error;
  }
  const { operands, unknownOptions } = splitArguments(program.args);
  return { operands, unknownOptions, ...readOptions(program.opts()) };
}

function buildProgram(version: string, helpWidth: number, tell: (text: string) => void): Command {
  const program = new Command('spec-forward-proxy')
    .description('Serves Statsig config specs to server SDKs, fetched once for all of them.')
    .usage('[options] <MODE> <CACHE>')
    .argument('[MODE]', "what to serve over: 'http', 'grpc' or 'grpc-and-http'")
    .argument('[CACHE]', "where specs are backed up: 'disabled', 'redis' or 'local'")
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help: the common settings')
    .option('--help-all', 'print the help with all settings')
    .addHelpText('after', ({ command }) => commandsText(command.createHelp(), helpWidth) + EXAMPLES)
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeOut: tell, getOutHelpWidth: () => helpWidth })
    .configureHelp({
      // Values are optional for the parser, so that a missing one is reported with all the other faults.
      optionTerm: (option) => option.flags.replace(/\[(.*)\]/, '<$1>'),
      formatItem: (term, _termWidth, description, help) => helpItem(help, helpWidth, term, description),
    });
  const options = settingGroups.flatMap(({ title, settings: group }) =>
    (Object.values(group) as Setting[]).map((setting) => toOption(setting, title)),
  );
  for (const option of [...options, ...IDLE_OPTIONS.flatMap(toIdleOptions)]) program.addOption(option);
  program.on('option:help-all', () => {
    for (const option of options) option.hideHelp(false);
    program.help();
  });
  return program;
}

/** Terms are up to 66 characters long: beside them there would be no room for a description. */
function helpItem(help: Help, width: number, term: string, description: string): string {
  const indent = ' '.repeat(6);
  const lines = help.boxWrap(description, width - indent.length).split('\n');
  return [`  ${term}`, ...lines.map((line) => indent + line)].join('\n');
}

function commandsText(help: Help, width: number): string {
  const items = COMMANDS.map(([term, description]) => helpItem(help, width, term, description));
  const withOptions = SUBCOMMANDS.flatMap((command) => [
    helpItem(help, width, command.usage, command.help),
    ...(Object.values(command.options) as OwnOption[]).map((option) => ownItem(help, width, option)),
  ]);
  return ['', 'Commands:', ...items, ...withOptions, ''].join('\n');
}

function ownItem(help: Help, width: number, option: OwnOption): string {
  const value = option.kind === 'switch' ? '' : ` <${option.unit}>`;
  const fallback = option.kind === 'integer' ? ` (default ${option.default}; ${boundsText(option)})` : '';
  return helpItem(help, width, `  --${option.flag}${value}`, option.help + fallback);
}

function toOption(setting: Setting, group: string): Option {
  const short = setting.short === undefined ? '' : `-${setting.short}, `;
  const value =
    setting.kind === 'switch' ? '' : ` [${setting.kind === 'flag' ? 'true|false' : setting.unit}]`;
  const option = new Option(`${short}--${setting.flag}${value}`, `${setting.help} (${describe(setting)})`);
  // To commander, --no-proxy is the opposite of --proxy; to curl and to us it is a list of hosts.
  option.negate = false;
  return option.helpGroup(`${group}:`).hideHelp(setting.isCommon !== true);
}

function describe(setting: Setting): string {
  const hasNone = setting.kind === 'switch' || setting.kind === 'flag' || setting.default === '';
  const fallback = hasNone ? [] : [`default ${setting.default}`];
  const bounds = setting.kind === 'integer' ? [boundsText(setting)] : [];
  const alias = setting.alias === undefined ? [] : [`also --${setting.alias}`];
  return [...fallback, ...bounds, ...alias, setting.env].join('; ');
}

/** Each spelling is an option of its own. */
function toIdleOptions({ flags, unit }: IdleOption): Option[] {
  const value = unit === undefined ? '' : ` [${unit}]`;
  return flags.map((flag) => new Option(`--${flag}${value}`).hideHelp());
}

function readOptions(
  parsed: Readonly<Record<string, unknown>>,
): Pick<CommandLine, 'options' | 'idleOptions'> {
  const options = new Map<SettingName, string | true>();
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting][]) {
    const value = parsed[camelCase(setting.flag)];
    if (typeof value === 'string' || value === true) options.set(name, value);
  }
  const isTyped = ({ flags }: IdleOption): boolean =>
    flags.some((flag) => parsed[camelCase(flag)] !== undefined);
  return { options, idleOptions: IDLE_OPTIONS.filter(isTyped) };
}

/** Commander's name for an option. */
function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}

const FLAGS_BY_ALIAS: ReadonlyMap<string, string> = new Map(
  (Object.values(settings) as Setting[]).flatMap(({ alias, flag }) =>
    alias === undefined ? [] : [[`--${alias}`, `--${flag}`] as const],
  ),
);

function withoutAlias(arg: string): string {
  const [name = ''] = arg.split('=', 1);
  const flag = FLAGS_BY_ALIAS.get(name);
  return flag === undefined ? arg : flag + arg.slice(name.length);
}

/** `-p=5` is `-p 5`, as in SFP. */
function splitShortOption(arg: string): string[] {
  const [, short, value] = /^(-[a-z])=(.*)$/s.exec(arg) ?? [];
  return short === undefined || value === undefined ? [arg] : [short, value];
}

const FLAGS = (Object.values(settings) as Setting[])
  .filter(({ kind }) => kind === 'flag')
  .map((setting) => `--${setting.flag}`);

/** What follows a flag is its value only if it is one: `--enforce-tls http disabled` has a MODE there. */
function withFlagValues(args: readonly string[]): string[] {
  const given: string[] = [];
  for (const [index, arg] of args.entries()) {
    const isValue = FLAGS.includes(args[index - 1] ?? '') && /^(?:true|false)$/i.test(arg);
    if (isValue) given[given.length - 1] = `${args[index - 1] ?? ''}=${arg}`;
    else given.push(FLAGS.includes(arg) ? `${arg}=true` : arg);
  }
  return given;
}

/** What commander does not know stays among the arguments. A value after `=` may be a secret and is left out. */
function splitArguments(args: readonly string[]): Pick<CommandLine, 'operands' | 'unknownOptions'> {
  const isOption = (arg: string): boolean => arg.startsWith('-') && arg !== '-';
  return {
    operands: args.filter((arg) => !isOption(arg)),
    unknownOptions: args.filter(isOption).map((arg) => arg.replace(/=.*$/s, '')),
  };
}
