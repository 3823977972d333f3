// What can be typed: operands, options, help; knows nothing of what they do. The one door to commander.
import { Command, CommanderError, Option } from 'commander';
import type { CommandLine, SettingName } from '../config/command-line.js';
import { boundsText, type Setting } from '../config/setting.js';
import { settings } from '../config/settings.js';

export type Typed =
  /** Help or the version: text for standard output. */
  | { readonly kind: 'told'; readonly text: string }
  | { readonly kind: 'run'; readonly line: CommandLine }
  /** The `health` subcommand. */
  | { readonly kind: 'health'; readonly line: CommandLine };

const HEALTH = 'health';

const EXAMPLES = `
Commands:
  health                       ask the daemon on this machine for /v1/health; exit status 0 if it lives, else 1
  health --grpc                ask its gRPC health service; exit status 0 if it serves, else 1

Examples:
  spec-forward-proxy http disabled
  spec-forward-proxy grpc-and-http disabled
  spec-forward-proxy http disabled -p 5 --sdk-keys-file /etc/spec-forward-proxy/keys
  spec-forward-proxy health --http-port 8000

Exit status: 0 stopped by a signal, 1 could not start or broke, 2 wrong options.`;

/** `args`: what follows the program's name. Wrong input is not refused here but handed on, to be reported as a whole. */
export function readCommandLine(args: readonly string[], version: string): Typed {
  let told = '';
  const program = buildProgram(version, (text) => {
    told += text;
  });
  try {
    program.parse(withFlagValues(args.flatMap(splitShortOption)), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return { kind: 'told', text: told };
    throw error;
  }
  const { operands, unknownOptions } = splitArguments(program.args);
  const line = { operands, unknownOptions, options: readOptions(program.opts()) };
  return { kind: operands[0] === HEALTH ? 'health' : 'run', line };
}

function buildProgram(version: string, tell: (text: string) => void): Command {
  const program = new Command('spec-forward-proxy')
    .description('Serves Statsig config specs to server SDKs, fetched once for all of them.')
    .usage('[options] <MODE> <CACHE>')
    .argument('[MODE]', "what to serve over: 'http', 'grpc' or 'grpc-and-http'")
    .argument('[CACHE]', "where specs are backed up: 'disabled', 'redis' or 'local'")
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeOut: tell })
    // Values are optional for the parser, so that a missing one is reported with all the other faults.
    .configureHelp({ optionTerm: (option) => option.flags.replace(/\[(.*)\]/, '<$1>') });
  for (const setting of Object.values(settings) as Setting[]) program.addOption(toOption(setting));
  return program;
}

function toOption(setting: Setting): Option {
  const short = setting.short === undefined ? '' : `-${setting.short}, `;
  const value =
    setting.kind === 'switch' ? '' : ` [${setting.kind === 'flag' ? 'true|false' : setting.unit}]`;
  const option = new Option(`${short}--${setting.flag}${value}`, `${setting.help} (${describe(setting)})`);
  // To commander, --no-proxy is the opposite of --proxy; to curl and to us it is a list of hosts.
  option.negate = false;
  return option;
}

function describe(setting: Setting): string {
  const hasNone = setting.kind === 'switch' || setting.kind === 'flag' || setting.default === '';
  const fallback = hasNone ? [] : [`default ${setting.default}`];
  const bounds = setting.kind === 'integer' ? [boundsText(setting)] : [];
  return [...fallback, ...bounds, setting.env].join('; ');
}

function readOptions(parsed: Readonly<Record<string, unknown>>): ReadonlyMap<SettingName, string | true> {
  const options = new Map<SettingName, string | true>();
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting][]) {
    const value = parsed[camelCase(setting.flag)];
    if (typeof value === 'string' || value === true) options.set(name, value);
  }
  return options;
}

/** Commander's name for an option. */
function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
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
