// A place for snapshots that answers what its test says, and when: what was asked of it is counted.
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import type { Confirming, Loading, Removing, Snapshots, Storing } from '../../src/storage/snapshots.js';
import { Gate } from './gate.js';

export class ScriptedPlace implements Snapshots {
  /** `save 3`, `confirm 3`, `remove`, `load`, as they began. */
  readonly asked: string[] = [];
  loading: Loading = { kind: 'missing' };
  saving: Storing = { kind: 'stored' };
  confirming: Confirming = { kind: 'stored' };
  removing: Removing = { kind: 'removed' };
  inFlight = 0;
  inFlightMax = 0;
  isClosed = false;
  readonly #gate = new Gate();

  /** Nothing is answered until the returned function is called. */
  hold(): () => void {
    return this.#gate.hold();
  }

  load(): Promise<Loading> {
    return this.#answer('load', () => this.loading);
  }

  save(_key: PayloadKey, payload: Payload): Promise<Storing> {
    return this.#answer(`save ${payload.version}`, () => this.saving);
  }

  confirm(_key: PayloadKey, version: number): Promise<Confirming> {
    return this.#answer(`confirm ${version}`, () => this.confirming);
  }

  remove(): Promise<Removing> {
    return this.#answer('remove', () => this.removing);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #answer<Answer>(asked: string, answer: () => Answer): Promise<Answer> {
    this.asked.push(asked);
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    await this.#gate.opened;
    this.inFlight -= 1;
    return answer();
  }
}
