// The dialog that asks for an access token, where the admin port wants one.
import { h } from '../element.js';

export class SignIn {
  readonly element = h('dialog', { 'aria-labelledby': 'sign-in-title' });
  readonly #use: (token: string) => void;

  /** `use`: called with what was typed. */
  constructor(use: (token: string) => void) {
    this.#use = use;
  }

  /** `why`: in the words of the proxy. Does nothing while it is open. */
  open(why: string): void {
    if (this.element.open) return;
    const token = h('input', {
      id: 'token',
      type: 'password',
      // Browsers may keep it where they keep passwords; the page keeps it until it is closed or loaded anew.
      autocomplete: 'current-password',
      required: true,
      spellcheck: 'false',
    });
    this.element.replaceChildren(
      h(
        'form',
        {
          onsubmit: (event) => {
            event.preventDefault();
            const typed = token.value.trim();
            if (typed === '') return;
            this.element.close();
            this.element.replaceChildren();
            this.#use(typed);
          },
        },
        h('h2', { id: 'sign-in-title' }, 'Access token'),
        h('p', {}, why),
        h('label', { for: 'token' }, 'Token, with the scope sfp::read to see and sfp::operate to change'),
        token,
        h(
          'p',
          { class: 'faint' },
          'It stays in the memory of this page, and is gone when the page is closed or loaded anew.',
        ),
        h(
          'div',
          { class: 'buttons' },
          h(
            'button',
            {
              type: 'button',
              onclick: () => {
                this.element.close();
              },
            },
            'Cancel',
          ),
          h('button', { type: 'submit', class: 'primary' }, 'Use it'),
        ),
      ),
    );
    this.element.showModal();
    token.focus();
  }
}
