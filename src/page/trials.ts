// What an operator tries against a project's overrides: the question that was asked last, and its answer. Both are in memory alone.
import type { Api, SpecName } from './api.js';
import type { Evaluated } from './api-answers.js';
import type { Context } from './context-text.js';

export interface Question {
  /** The context as it was typed. */
  readonly text: string;
  /** Words of the names of configs that are wanted. */
  readonly search: string;
  /** Configs that are shown at most. */
  readonly limit: number;
}

/** As the API has it. */
export const CONFIGS_SHOWN = 100;
export const CONFIGS_SHOWN_MAX = 500;

const FIRST: Question = { text: '', search: '', limit: CONFIGS_SHOWN };

export class Trials {
  readonly #api: Api;
  readonly #asked: () => void;
  #last: { readonly spec: string; readonly question: Question } | undefined;
  #answered: { readonly id: string; readonly answer: Evaluated } | undefined;

  /** `asked`: called when there is another question. */
  constructor(api: Api, asked: () => void) {
    this.#api = api;
    this.#asked = asked;
  }

  questionOf(spec: SpecName): Question {
    return this.#last?.spec === idOf(spec) ? this.#last.question : FIRST;
  }

  ask(spec: SpecName, question: Question): void {
    this.#last = { spec: idOf(spec), question };
    this.#asked();
  }

  /** Of the version in force. The same question about the same version is not asked again: views are built anew every few seconds. */
  async answer(
    spec: SpecName & { readonly version: number },
    context: Context,
    { search, limit }: Question,
    signal: AbortSignal,
  ): Promise<Evaluated> {
    const id = JSON.stringify([idOf(spec), context, search, limit]);
    if (this.#answered?.id === id && this.#answered.answer.version === spec.version)
      return this.#answered.answer;
    const answer = await this.#api.evaluate(spec, { context, search, limit }, signal);
    this.#answered = { id, answer };
    return answer;
  }
}

function idOf({ keyHash, api, format }: SpecName): string {
  return [keyHash, api, format].join('/');
}
