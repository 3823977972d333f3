// The `doctor` subcommand: loads the settings as the daemon does, examines what they need, and reports.
import type { World } from '../app/world.js';
import type { CommandLine } from '../config/command-line.js';
import { loadConfig, type Surroundings } from '../config/load-config.js';
import type { TakenOptions } from '../config/own-options.js';
import type { doctorOptions } from '../config/subcommand-options.js';
import { nameSdkKeys } from '../domain/sdk-key.js';
import type { Patient } from './check.js';
import { CHECKS } from './checks.js';
import { examine, toCheckReport, toReport, type Report } from './examine.js';
import { exitStatusOf, toJson, toText, withoutKeys } from './report-text.js';
import { settingFaults } from './settings-check.js';
import { tryPinnedKeys, type TriedPayloads } from './tried-keys.js';

/** As the daemon, for settings with which it would not start. */
const EXIT_WRONG_OPTIONS = 2;

export type DoctorOptions = Omit<TakenOptions<typeof doctorOptions>, 'rest'>;

export interface Outcome {
  /** For standard output. */
  readonly text: string;
  readonly status: number;
}

export async function doctor(
  line: CommandLine,
  { values, faults }: DoctorOptions,
  around: Surroundings,
  world: World,
): Promise<Outcome> {
  const say = (report: Report): string => (values.json ? toJson(report, world.version) : toText(report));
  const skipped = values.skip.split(',').filter((name) => name !== '');
  const unknown = skipped.filter((name) => CHECKS.every((check) => check.name !== name));
  const loaded = loadConfig(line, around);
  const wrong = [
    ...faults,
    ...unknown.map((name) => `--skip: there is no check '${name}'`),
    ...(loaded.kind === 'faults' ? loaded.faults : []),
  ];
  if (loaded.kind === 'faults' || wrong.length > 0) {
    const report = toReport([toCheckReport('settings', 0, settingFaults(wrong))]);
    return { text: say(withoutKeys(report, [])), status: EXIT_WRONG_OPTIONS };
  }
  const { config } = loaded;
  nameSdkKeys(config.sdkKeyNames);
  let tried: Promise<TriedPayloads> | undefined;
  const patient: Patient = {
    ...world,
    config,
    ignored: loaded,
    balancerIdleS: values.balancerIdleTimeoutS,
    tried: () => (tried ??= tryPinnedKeys({ ...world, config })),
  };
  const checks = CHECKS.filter(({ name }) => !skipped.includes(name));
  const report = withoutKeys(await examine(checks, patient), config.pinnedSdkKeys);
  return { text: say(report), status: exitStatusOf(report, values.strict) };
}
