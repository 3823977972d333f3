// The buttons by which a spec is held or let go, by what holds it now.
import type { SpecName } from '../api.js';
import type { Hold } from '../api-answers.js';
import type { PageClock } from '../clock.js';
import { h, type Child } from '../element.js';
import type { HoldDialog } from './hold-dialog.js';
import { atIso } from './time.js';

interface Held extends SpecName {
  readonly version: number | null;
}

export function specLabel(name: string, { api, format }: Pick<SpecName, 'api' | 'format'>): string {
  return `${name} ${api} ${format}`;
}

/** `versionLabel`: of the version in force, as people see it. */
export function freezeButton(dialog: HoldDialog, spec: Held, label: string, versionLabel: Child): Child {
  if (spec.version === null) return false;
  return h(
    'button',
    {
      type: 'button',
      onclick: () => {
        dialog.open({
          what: 'freeze',
          spec,
          label,
          effect: [
            'Every replica goes on serving the version of ',
            versionLabel,
            ', whatever the origin sends.',
          ],
        });
      },
    },
    'Freeze',
  );
}

export function rollBackButton(
  dialog: HoldDialog,
  spec: SpecName,
  label: string,
  version: number,
  versionLabel: Child,
): Child {
  return h(
    'button',
    {
      type: 'button',
      onclick: () => {
        dialog.open({
          what: 'rollback',
          spec,
          label,
          version,
          effect: [
            'Every replica serves the version of ',
            versionLabel,
            ' again, and SDKs that run take it.',
          ],
        });
      },
    },
    'Roll back to this',
  );
}

export function releaseButtons(dialog: HoldDialog, hold: Hold, label: string): Child {
  if (hold.state !== 'held') return false;
  const open = (what: 'release' | 'refuse', effect: string) => (): void => {
    dialog.open({ what, spec: hold, label, effect });
  };
  if (hold.action !== 'guard')
    return h(
      'button',
      { type: 'button', onclick: open('release', 'What the origin has now is served again.') },
      'Release',
    );
  return [
    h(
      'button',
      { type: 'button', onclick: open('release', 'The update that is held back is served.') },
      'Accept the update',
    ),
    h(
      'button',
      {
        type: 'button',
        onclick: open(
          'refuse',
          'The update stays held back until another version comes, seven days at most.',
        ),
      },
      'Refuse it',
    ),
  ];
}

const ACTIONS: Readonly<Record<Hold['action'], string>> = {
  freeze: 'Frozen',
  rollback: 'Rolled back',
  guard: 'Update held back by the guard',
};

export function describeHold(hold: Hold, clock: PageClock): Child {
  const who = hold.action === 'guard' ? '' : [' by ', h('bdi', {}, hold.who)];
  const until = hold.state === 'held' ? [', until ', atIso(hold.until, clock)] : ', over';
  return [
    h('strong', {}, ACTIONS[hold.action]),
    who,
    ' since ',
    atIso(hold.since, clock),
    until,
    hold.reason !== '' && [': ', h('bdi', { class: 'reason' }, hold.reason)],
  ];
}
