// Whether a gate of a project is open, by the newest spec that is held: evaluated at every update, one at a time.
import { decodeForm } from '../../../bodies/body-forms.js';
import type { HeldPayload, StoreListener } from '../../../core/payload-store.js';
import { failed, type Failure } from '../../../domain/failure.js';
import { payloadId, type PayloadKey } from '../../../domain/payload-key.js';
import type { Payload } from '../../../domain/payload.js';
import { inBackground } from '../../../observability/in-background.js';
import type { Logger } from '../../../observability/logger.js';
import { SPEC_V1 } from '../resource-kinds.js';
import type { GateQuestion } from './evaluate-gate.js';

/** The one spec that the SDK used for it reads. */
export function gateSpecKey(sdkKey: string): PayloadKey {
  return { sdkKey, kind: SPEC_V1, format: 'json' };
}

export type WatchedGate = Omit<GateQuestion, 'spec'>;

/** Never rejects. */
export type AskGate = (question: GateQuestion) => Promise<boolean | Failure>;

export class GateWatch implements StoreListener {
  readonly #log: Logger;
  readonly #gate: WatchedGate;
  readonly #id: string;
  readonly #ask: AskGate;
  readonly #changed: (isOpen: boolean) => void;
  /** Of the newest spec; undefined where none is held. */
  #payload: Payload | undefined;
  #isAsking = false;
  #isStopped = false;
  #isFailing = false;
  /** Undefined until it was evaluated. */
  isOpen: boolean | undefined;

  /** `changed` is told when the gate opens, and when it closes after that. */
  constructor(log: Logger, gate: WatchedGate, ask: AskGate, changed: (isOpen: boolean) => void) {
    this.#log = log;
    this.#gate = gate;
    this.#id = payloadId(gateSpecKey(gate.sdkKey));
    this.#ask = ask;
    this.#changed = changed;
  }

  updated({ key, payload }: HeldPayload): void {
    if (payloadId(key) !== this.#id || this.#isStopped) return;
    this.#payload = payload;
    if (!this.#isAsking) inBackground(this.#evaluate(), this.#log);
  }

  /** The origin refuses the key: no gate of its project counts any more. */
  removed(key: PayloadKey): void {
    if (payloadId(key) !== this.#id || this.#isStopped) return;
    this.#payload = undefined;
    this.#take(false);
  }

  stop(): void {
    this.#isStopped = true;
    this.#payload = undefined;
  }

  async #evaluate(): Promise<void> {
    this.#isAsking = true;
    try {
      let evaluated: Payload | undefined;
      while (this.#payload !== undefined && this.#payload !== evaluated) {
        evaluated = this.#payload;
        const answer = await this.#answerOn(evaluated);
        // Another spec came meanwhile, or none counts any more.
        if (this.#payload !== evaluated) continue;
        if (typeof answer === 'boolean') this.#take(answer);
        else this.#fail(answer);
      }
    } finally {
      this.#isAsking = false;
    }
  }

  async #answerOn({ originForm }: Payload): Promise<boolean | Failure> {
    const pieces: Buffer[] = [];
    try {
      await decodeForm(originForm, (piece) => pieces.push(piece));
    } catch (error) {
      return failed('gate_unknown', error instanceof Error ? error.message : String(error));
    }
    return await this.#ask({ ...this.#gate, spec: Buffer.concat(pieces) });
  }

  #take(isOpen: boolean): void {
    this.#isFailing = false;
    const wasOpen = this.isOpen ?? false;
    this.isOpen = isOpen;
    if (isOpen === wasOpen) return;
    this.#log.info({ gate: this.#gate.gate }, isOpen ? 'gate is open' : 'gate is closed');
    this.#changed(isOpen);
  }

  /** What was found last goes on to count. */
  #fail({ reason, detail }: Failure): void {
    if (!this.#isFailing) {
      const { gate } = this.#gate;
      this.#log.warn({ gate, reason, detail }, 'gate not evaluated: nothing changes until it is');
    }
    this.#isFailing = true;
  }
}
