// The configs of a Replane project with their overrides, and a form that tries a context against them.
import { Refused } from '../api.js';
import type { OneSpec } from '../api-answers.js';
import { readContext } from '../context-text.js';
import { h, type Child } from '../element.js';
import { note, section } from '../parts/section.js';
import { trialResult } from '../parts/trial-result.js';
import { CONFIGS_SHOWN, type Question } from '../trials.js';
import type { ViewContext } from '../view.js';

/** Of the words that are looked for, as the API takes them. */
const SEARCH_CHARACTERS_MAX = 500;

/** Nothing for specs, whose gates are not evaluated here. */
export async function trialSection(spec: OneSpec, view: ViewContext): Promise<Child> {
  const { version } = spec;
  if (spec.api !== 'replane' || version === null) return false;
  const question = view.trials.questionOf(spec);
  const read = readContext(question.text);
  const form = trialForm(question, read.kind === 'fault', (asked) => {
    view.trials.ask(spec, asked);
  });
  const result =
    read.kind === 'fault'
      ? faultOf(read.message)
      : await askedOf({ ...spec, version }, read.context, question, view);
  return section(
    'Try a context',
    note(
      'What each config is for a context, and why, as Replane’s SDK for JavaScript judges it. Nothing is changed by it.',
    ),
    form,
    result,
  );
}

function trialForm(
  { text, search }: Question,
  isWrong: boolean,
  ask: (question: Question) => void,
): HTMLElement {
  const asTyped = { autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' };
  return h(
    'form',
    {
      class: 'trial',
      onsubmit: (event) => {
        event.preventDefault();
        const form = event.currentTarget as HTMLFormElement;
        ask({
          text: form.querySelector('textarea')?.value ?? '',
          search: form.querySelector('input')?.value ?? '',
          limit: CONFIGS_SHOWN,
        });
      },
    },
    h('label', { for: 'trial-context' }, 'Context'),
    h(
      'textarea',
      {
        id: 'trial-context',
        class: 'code',
        rows: 3,
        placeholder: 'plan: pro',
        'aria-describedby': isWrong ? 'trial-hint trial-fault' : 'trial-hint',
        'aria-invalid': isWrong ? 'true' : undefined,
        ...asTyped,
      },
      text,
    ),
    h(
      'p',
      { id: 'trial-hint', class: 'faint' },
      'One property per line, or a JSON object. A value such as 18 or true is sent as text if it is in quotes.',
    ),
    h('label', { for: 'trial-search' }, 'Configs, by words of their names'),
    h('input', {
      id: 'trial-search',
      type: 'search',
      value: search,
      placeholder: 'all',
      maxlength: SEARCH_CHARACTERS_MAX,
      ...asTyped,
    }),
    h('button', { type: 'submit', class: 'primary' }, 'Try it'),
  );
}

async function askedOf(
  spec: OneSpec & { readonly version: number },
  context: Parameters<ViewContext['trials']['answer']>[1],
  question: Question,
  { trials, clock, signal }: ViewContext,
): Promise<Child> {
  try {
    const answer = await trials.answer(spec, context, question, signal);
    return trialResult(answer, context, question.limit, clock, (limit) => {
      trials.ask(spec, { ...question, limit });
    });
  } catch (error) {
    // The rest of the view is as good without it.
    if (error instanceof Refused && !error.asksForToken) return faultOf(error.message);
    throw error;
  }
}

function faultOf(message: string): HTMLElement {
  return h('p', { id: 'trial-fault', class: 'fault', role: 'alert' }, message);
}
