// Options that only one subcommand has, taken out of its command line before the daemon's own settings are read from it.
import { boundsText, parseSetting, shownValue, type IntegerSetting, type Setting } from './setting.js';
import type { SwitchSetting, TextSetting, UrlSetting, ValueOf } from './setting.js';

/** A row of the settings table without a variable: what is said once, for one run, is typed. */
export type OwnOption =
  | Omit<IntegerSetting, 'env'>
  | Omit<SwitchSetting, 'env'>
  | Omit<TextSetting, 'env'>
  | Omit<UrlSetting, 'env'>;

export type OwnOptions = Readonly<Record<string, OwnOption>>;

export type OwnValues<Rows extends OwnOptions> = {
  readonly [Name in keyof Rows]: Rows[Name] extends Omit<UrlSetting, 'env'>
    ? URL | undefined
    : ValueOf<Extract<Setting, Pick<Rows[Name], 'kind'>>>;
};

export interface TakenOptions<Rows extends OwnOptions> {
  readonly values: OwnValues<Rows>;
  readonly faults: readonly string[];
  /** What is left, in its order. */
  readonly rest: readonly string[];
}

/** As everywhere: `--name value` or `--name=value`; of several the last one counts. */
export function takeOwnOptions<Rows extends OwnOptions>(
  args: readonly string[],
  rows: Rows,
): TakenOptions<Rows> {
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(rows)) values[name] = row.kind === 'url' ? undefined : row.default;
  const faults: string[] = [];
  const rest: string[] = [];
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const [, flag = arg, glued] = /^([^=]*)=(.*)$/s.exec(arg) ?? [];
    const [name, row] = Object.entries(rows).find(([, each]) => `--${each.flag}` === flag) ?? [];
    if (name === undefined || row === undefined) {
      rest.push(arg);
      continue;
    }
    const text = glued ?? (row.kind === 'switch' ? undefined : left.shift());
    try {
      values[name] = valueOf(row, text);
    } catch (error) {
      faults.push(faultOf(row, text, error as Error));
    }
  }
  return { values: values as OwnValues<Rows>, faults, rest };
}

function faultOf(row: OwnOption, text: string | undefined, { message }: Error): string {
  const shown = text === undefined ? [] : [shownValue(row, text)];
  return [`--${row.flag}:`, ...shown, message, `(${boundsText(row)})`].join(' ');
}

function valueOf(row: OwnOption, text: string | undefined): unknown {
  if (text !== undefined) return parseSetting(row, text);
  if (row.kind === 'switch') return true;
  throw new Error('needs a value');
}
