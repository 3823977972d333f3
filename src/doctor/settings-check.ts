// Settings: what was given and has no effect. Faults never get here: without a configuration there is nothing else to check.
import { fail, pass, warn, type Finding, type Patient } from './check.js';

export function checkSettings({ config, ignored }: Pick<Patient, 'config' | 'ignored'>): readonly Finding[] {
  const { mode, cache, pinnedSdkKeys } = config;
  const aside =
    ignored.asides.length === 0
      ? []
      : [pass(`variables of statsig-forward-proxy without effect here: ${ignored.asides.length}`)];
  return [
    pass(`MODE ${mode}, CACHE ${cache}, pinned SDK keys: ${pinnedSdkKeys.size}`),
    ...aside,
    ...ignored.notices.map((notice) => warn(notice, 'Correct or remove it.')),
  ];
}

/** In place of all checks, where the daemon would refuse to start. */
export function settingFaults(faults: readonly string[]): readonly Finding[] {
  return faults.map((fault) =>
    fail(fault, 'Correct it: the daemon does not start with it. See spec-forward-proxy --help-all.'),
  );
}
