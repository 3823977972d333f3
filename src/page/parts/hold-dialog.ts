// The dialog by which an operator freezes, rolls back or releases a spec: why, for how long, and then whether it is really meant.
import { Refused, type Api, type HoldOrder, type SpecName } from '../api.js';
import { h, type Child } from '../element.js';
import { duration } from '../format.js';
import { inBackground } from '../in-background.js';

export interface Order {
  readonly what: HoldOrder;
  readonly spec: SpecName;
  /** Of the spec, for people: its key, API and format. */
  readonly label: string;
  /** What will happen, in a sentence. */
  readonly effect: Child;
  /** Of a rollback: the version to go back to. */
  readonly version?: number;
}

interface Filled {
  readonly reason?: string;
  readonly forS?: number;
}

const WORDS: Readonly<Record<HoldOrder, { readonly title: string; readonly verb: string }>> = {
  freeze: { title: 'Freeze', verb: 'Freeze now' },
  rollback: { title: 'Roll back', verb: 'Roll back now' },
  refuse: { title: 'Refuse the update', verb: 'Refuse it now' },
  release: { title: 'Release', verb: 'Release now' },
};

const HOUR_S = 3_600;
const ENDS_S = [HOUR_S, 4 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S, 3 * 24 * HOUR_S, 7 * 24 * HOUR_S];
const END_S = 12 * HOUR_S;
const REASON_CHARACTERS_MAX = 500;

export class HoldDialog {
  readonly element = h('dialog', { 'aria-labelledby': 'hold-title' });
  readonly #api: Api;
  readonly #done: () => void;

  /** `done`: called when an order was carried out. */
  constructor(api: Api, done: () => void) {
    this.#api = api;
    this.#done = done;
  }

  open(order: Order): void {
    // Before it is filled: what is not shown cannot have the focus.
    this.element.showModal();
    // A release ends what somebody else gave reasons for.
    if (order.what === 'release') this.#confirm(order, {});
    else this.#ask(order, {});
  }

  #ask(order: Order, filled: Filled): void {
    const reason = h('textarea', {
      id: 'hold-reason',
      rows: 3,
      maxlength: REASON_CHARACTERS_MAX,
      required: true,
      autofocus: true,
    });
    reason.value = filled.reason ?? '';
    const wanted = filled.forS ?? END_S;
    const end = h(
      'select',
      { id: 'hold-end' },
      ENDS_S.map((s) => h('option', { value: s, selected: s === wanted }, `for ${duration(s)}`)),
    );
    this.#fill(
      order,
      () => {
        // Spaces alone are no reason.
        if (reason.value.trim() === '') reason.value = '';
        if (reason.reportValidity())
          this.#confirm(order, { reason: reason.value.trim(), forS: Number(end.value) });
      },
      [
        h('p', {}, order.effect),
        h('label', { for: 'hold-reason' }, 'Reason, for the audit log and for whoever looks next'),
        reason,
        order.what !== 'refuse' && [h('label', { for: 'hold-end' }, 'How long'), end],
      ],
      h('button', { type: 'submit', class: 'primary' }, 'Continue'),
    );
    reason.focus();
  }

  #confirm(order: Order, filled: Filled, fault?: string): void {
    const { reason, forS } = filled;
    const submit = h('button', { type: 'submit', class: 'primary danger' }, WORDS[order.what].verb);
    this.#fill(
      order,
      () => {
        submit.disabled = true;
        inBackground(this.#send(order, filled));
      },
      [
        h('p', {}, order.effect),
        reason !== undefined && h('p', {}, 'Reason: ', h('bdi', {}, reason)),
        forS !== undefined &&
          order.what !== 'refuse' &&
          h('p', {}, `It ends by itself after ${duration(forS)}.`),
        fault !== undefined && h('p', { class: 'fault', role: 'alert' }, fault),
      ],
      [
        reason !== undefined &&
          h(
            'button',
            {
              type: 'button',
              onclick: () => {
                this.#ask(order, filled);
              },
            },
            'Back',
          ),
        submit,
      ],
    );
    submit.focus();
  }

  async #send(order: Order, filled: Filled): Promise<void> {
    const { what, spec, version } = order;
    const { reason, forS } = filled;
    const body = {
      ...(reason !== undefined && { reason }),
      ...(forS !== undefined && what !== 'refuse' && { forS }),
      ...(version !== undefined && { version }),
    };
    try {
      const { isEverywhere } = await this.#api.order(spec, what, body);
      this.#done();
      if (isEverywhere) this.element.close();
      else this.#tell(order, NOT_EVERYWHERE);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#confirm(order, filled, error.message);
    }
  }

  #tell(order: Order, text: string): void {
    const close = h('button', { type: 'submit', class: 'primary' }, 'Close');
    this.#fill(
      order,
      () => {
        this.element.close();
      },
      [h('p', {}, text)],
      close,
    );
    close.focus();
  }

  #fill({ what, label }: Order, submit: () => void, content: readonly Child[], buttons: Child): void {
    const cancel = h(
      'button',
      {
        type: 'button',
        onclick: () => {
          this.element.close();
        },
      },
      'Cancel',
    );
    this.element.replaceChildren(
      h(
        'form',
        {
          onsubmit: (event) => {
            event.preventDefault();
            submit();
          },
        },
        h('h2', { id: 'hold-title' }, `${WORDS[what].title}: `, h('bdi', {}, label)),
        content,
        h('div', { class: 'buttons' }, cancel, buttons),
      ),
    );
  }
}

const NOT_EVERYWHERE =
  'Done on this replica. It could not be stored in Redis or the data directory yet; that is tried again twice a second.';
