// The fleet as seen through Redis: the lease, the messages, and the state of stored entries.
import type { PayloadKey } from '../../domain/payload-key.js';
import type { EntryState, FleetLink, FleetListener } from '../fleet-link.js';
import type { EntryLook } from './redis-entry-state.js';
import type { RedisEntries } from './redis-entries.js';
import type { RedisLease } from './redis-lease.js';
import { readMessage, toEntryName } from './redis-messages.js';

export interface FleetRoom {
  readonly lease: RedisLease;
  readonly entries: RedisEntries;
  readonly instanceId: string;
}

export class RedisFleet implements FleetLink {
  readonly #room: FleetRoom;
  #listener: FleetListener | undefined;
  #heardMessages = 0;
  #ignoredMessages = 0;

  constructor(room: FleetRoom) {
    this.#room = room;
  }

  get isLeader(): boolean {
    return this.#room.lease.isLeader;
  }

  get leader(): string | undefined {
    return this.#room.lease.leader;
  }

  /** Messages from other replicas since the start, and those that no replica sends. */
  get messages(): { readonly heard: number; readonly ignored: number } {
    return { heard: this.#heardMessages, ignored: this.#ignoredMessages };
  }

  entryName(key: PayloadKey): string {
    return toEntryName(key);
  }

  async states(keys: readonly PayloadKey[]): Promise<readonly (EntryState | undefined)[] | undefined> {
    try {
      const looks = await this.#room.entries.look(keys, false);
      return looks.map((look) => this.#toState(look));
    } catch {
      // RedisCommands has reported it.
      return undefined;
    }
  }

  join(listener: FleetListener): void {
    this.#listener = listener;
    this.#room.lease.join(() => {
      listener.lead();
    });
  }

  async leave(): Promise<void> {
    this.#listener = undefined;
    await this.#room.lease.leave();
  }

  /** A message on the channel. */
  hear(text: string): void {
    const message = readMessage(text);
    if (message === undefined) {
      this.#ignoredMessages += 1;
      return;
    }
    if (message.by === this.#room.instanceId) return;
    this.#heardMessages += 1;
    if (message.kind === 'resigned') this.#room.lease.tryForResigned();
    else this.#listener?.stored(message.entryName, message.version);
  }

  /** Redis can be used again, or messages arrive again: those sent meanwhile were missed. */
  reached(): void {
    this.#room.lease.tryNow();
    this.#listener?.reachable();
  }

  #toState(look: EntryLook): EntryState | undefined {
    if (look.kind !== 'entry') return undefined;
    const { version, confirmedAgoMs, confirmedBy } = look;
    const isConfirmedByUs = look.isOurs && confirmedBy === this.#room.instanceId;
    return { version, confirmedAgoMs, isConfirmedByUs };
  }
}
