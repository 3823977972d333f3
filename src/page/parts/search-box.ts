// A field that narrows down what a view shows: what is typed becomes part of the address once the typing pauses.
import type { PageClock } from '../clock.js';
import { h } from '../element.js';

const PAUSE_MS = 250;

interface SearchBoxOptions {
  readonly label: string;
  readonly value: string;
  readonly clock: PageClock;
  readonly search: (text: string) => void;
}

export function searchBox({ label, value, clock, search }: SearchBoxOptions): HTMLElement {
  return h(
    'label',
    { class: 'search' },
    h('span', { class: 'unseen' }, label),
    h('input', {
      type: 'search',
      value,
      placeholder: label,
      autocomplete: 'off',
      spellcheck: 'false',
      maxlength: 200,
      oninput: (event) => {
        const field = event.target as HTMLInputElement;
        const typed = field.value;
        clock.after(PAUSE_MS, () => {
          if (field.value === typed) search(typed);
        });
      },
    }),
  );
}
