// The settings alone, options over environment over defaults: all that a subcommand needs that starts no daemon.
import { maskSdkKeysIn } from '../domain/sdk-key.js';
import type { CommandLine, SettingName } from './command-line.js';
import { boundsText, parseSetting, shownValue, type Setting } from './setting.js';
import { settings, type SettingValues } from './settings.js';
import { similarName } from './similar-name.js';
import { isServiceAddress, readVariables, type Variables } from './variables.js';

/** What was given and has no effect, in sentences to be logged. */
export interface Ignored {
  /** Somebody may count on these. */
  readonly notices: readonly string[];
  /** Nobody misses anything. */
  readonly asides: readonly string[];
}

export type Loaded<Result> =
  | ({ readonly kind: 'loaded'; readonly config: Result } & Ignored)
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

const FLAGS = Object.values(settings).map(({ flag }) => `--${flag}`);

/** The first operand is the subcommand itself. */
export function loadSettings(
  typed: CommandLine,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): Loaded<SettingValues> {
  const loaded = loadValues(typed, readVariables(env));
  const { values, notices } = loaded;
  const faults = [...faultsOfSurplus(typed.operands.slice(1)), ...loaded.faults];
  return faults.length > 0
    ? { kind: 'faults', faults }
    : { kind: 'loaded', config: values, notices, asides: [] };
}

/** Where settings were given; those that were not have their defaults. */
export type SettingSources = ReadonlyMap<SettingName, 'option' | 'variable'>;

export function loadValues(
  typed: CommandLine,
  variables: Variables,
): {
  readonly values: SettingValues;
  readonly sources: SettingSources;
  readonly faults: readonly string[];
  readonly notices: readonly string[];
} {
  const values: Record<string, unknown> = {};
  const sources = new Map<SettingName, 'option' | 'variable'>();
  const faults = typed.unknownOptions.map(
    (option) => `unknown option ${maskSdkKeysIn(option)}: ${adviceFor(option, FLAGS)}`,
  );
  const notices: string[] = [];
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting][]) {
    // A faulty setting gets its default, so that the others can still be judged.
    values[name] = defaultOf(setting);
    const given = find(name, setting, typed, variables);
    if (given === undefined) continue;
    const text = given.isVariable ? given.text : '';
    if (setting.kind === 'integer' && text !== true && isServiceAddress(text)) {
      notices.push(`${given.source} is ignored: Kubernetes sets it to the address of a Service`);
      continue;
    }
    try {
      values[name] = valueOf(setting, given.text);
      sources.set(name, given.isVariable ? 'variable' : 'option');
    } catch (error) {
      faults.push(faultOf(setting, given, error as Error));
    }
  }
  // As in SFP since 4.2: a closed network has one way out for all of them.
  if (!sources.has('idListsStatsigEndpoint') && sources.has('statsigEndpoint')) {
    values['idListsStatsigEndpoint'] = values['statsigEndpoint'];
  }
  return { values: values as unknown as SettingValues, sources, faults, notices };
}

function faultOf(setting: Setting, { source, text }: Given, { message }: Error): string {
  const shown = text === true ? [] : [shownValue(setting, text)];
  const bounds = message.includes(boundsText(setting)) ? [] : [`(${boundsText(setting)})`];
  return [`${source}:`, ...shown, message, ...bounds].join(' ');
}

export function adviceFor(name: string, names: readonly string[]): string {
  const meant = similarName(name, names);
  return meant === undefined ? 'this version does not have it, see --help-all' : `did you mean ${meant}?`;
}

interface Given {
  readonly text: string | true;
  /** Where the text comes from, in words. */
  readonly source: string;
  readonly isVariable: boolean;
}

function find(
  name: SettingName,
  setting: Setting,
  typed: CommandLine,
  variables: Variables,
): Given | undefined {
  const option = typed.options.get(name);
  if (option !== undefined) return { text: option, source: `--${setting.flag}`, isVariable: false };
  const variable = variables.get(setting.env);
  return variable && { ...variable, isVariable: true };
}

function valueOf(setting: Setting, text: string | true): unknown {
  if (text !== true) return parseSetting(setting, text);
  if (setting.kind === 'switch' || setting.kind === 'flag') return true;
  throw new Error('needs a value');
}

function defaultOf(setting: Setting): unknown {
  return setting.kind === 'url' ? parseSetting(setting, setting.default) : setting.default;
}

export function faultsOfSurplus(operands: readonly string[]): readonly string[] {
  return operands.map(
    (operand) => `unexpected argument '${maskSdkKeysIn(operand)}': only options may follow MODE and CACHE`,
  );
}
