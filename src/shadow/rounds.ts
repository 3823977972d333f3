// The rounds of a comparison: both sides asked the same at the same moment, form by form, a bounded number of keys at one time.
import type { Clock } from '../domain/clock.js';
import { pause } from '../domain/deadline.js';
import { createConcurrencyLimit } from '../domain/concurrency-limit.js';
import { maskSdkKey } from '../domain/sdk-key.js';
import { Comparer } from './compare.js';
import { FORMS, type Form } from './forms.js';
import type { Asked, Side } from './side.js';
import { Tally, type FormReport } from './tally.js';

/** Each has up to four whole specs in memory: two that arrive, and their text. */
const KEYS_AT_ONCE = 4;

export interface RoundOptions {
  readonly forMs: number;
  readonly intervalMs: number;
  readonly lateMsMax: number;
}

export interface Sides {
  readonly base: Pick<Side, 'ask'>;
  readonly against: Pick<Side, 'ask'>;
}

export interface KeyReport {
  readonly sdkKey: string;
  readonly forms: readonly FormReport[];
}

/** Ends after `forMs`, or when `stopping` aborts, at the end of a round; at least one round is made. */
export async function runRounds(
  clock: Clock,
  { base, against }: Sides,
  sdkKeys: readonly string[],
  { forMs, intervalMs, lateMsMax }: RoundOptions,
  stopping: AbortSignal,
): Promise<readonly KeyReport[]> {
  const watched = sdkKeys.map((sdkKey) => new WatchedKey(sdkKey, lateMsMax));
  const limit = createConcurrencyLimit(KEYS_AT_ONCE);
  const endMs = clock.monotonicMs() + forMs;
  const isOver = (nextMs: number): boolean => nextMs > endMs || stopping.aborted;
  for (let nextMs = clock.monotonicMs(); ;) {
    await Promise.all(watched.map((key) => limit(() => key.compare(clock, { base, against }))));
    nextMs = Math.max(nextMs + intervalMs, clock.monotonicMs());
    if (!isOver(nextMs)) await pause(clock, nextMs - clock.monotonicMs(), stopping);
    if (isOver(nextMs)) break;
  }
  return watched.map((key) => key.report);
}

class WatchedKey {
  readonly #sdkKey: string;
  readonly #forms: readonly { readonly form: Form; readonly comparer: Comparer; readonly tally: Tally }[];

  constructor(sdkKey: string, lateMsMax: number) {
    this.#sdkKey = sdkKey;
    this.#forms = FORMS.map((form) => ({
      form,
      comparer: new Comparer(lateMsMax),
      tally: new Tally(form.name),
    }));
  }

  async compare(clock: Clock, { base, against }: Sides): Promise<void> {
    const held = { base: new Map<string, number>(), against: new Map<string, number>() };
    for (const { form, comparer, tally } of this.#forms) {
      const ask = async (side: keyof Sides, asked: Sides['base']): Promise<Asked> => {
        const known = held[side].get(form.kind.name) ?? 0;
        const answer = await asked.ask(form, this.#sdkKey, form.isRepeated ? known : 0);
        const body = answer.kind === 'answered' ? answer.body : undefined;
        if (body?.kind === 'spec' && body.version !== undefined && !form.isRepeated)
          held[side].set(form.kind.name, body.version);
        return answer;
      };
      const answers = await Promise.all([ask('base', base), ask('against', against)]);
      tally.add(...answers, comparer.compare(...answers, clock.monotonicMs()));
    }
  }

  get report(): KeyReport {
    return { sdkKey: maskSdkKey(this.#sdkKey), forms: this.#forms.map(({ tally }) => tally.report) };
  }
}
