// The scripts on entries as functions: names and values in, plain answers out.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Payload } from '../../domain/payload.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Confirming, Failing, Removing, Storing } from '../snapshots.js';
import type { BackupSeal } from '../backup-seal.js';
import type { BodyFields } from './redis-body.js';
import { readLooks, type EntryLook } from './redis-entry-state.js';
import { CROSS_SLOT, unexpectedAnswer, type RedisCommands } from './redis-commands.js';
import { toRedisFault } from './redis-fault.js';
import { storedMessage } from './redis-messages.js';
import type { EntryNames, RedisNames } from './redis-names.js';

/** Asked for at one time: in a cluster each name is a command of its own. */
const NAMES_PER_ROUND = 1_000;
/** Redis looks at these in about a millisecond, and serves other commands in between. */
const NAMES_PER_CALL = 100;
/** In a cluster, where each name is a command of its own: sent in about a millisecond and a half. */
const COMMANDS_PER_TURN = 25;
const STATES_DEADLINE_MS = 1_000;
const STATES_DEADLINE_MS_PER_NAME = 1;
/** As the scripts know it. */
const ANY_SEAL = '*';

export interface EntriesOptions {
  readonly isCluster: boolean;
  readonly entryTtlS: number;
  readonly instanceId: string;
  /** Undefined where what is stored of a version stays as it was sealed first: writers of one version may differ in content. */
  readonly seal: Pick<BackupSeal, 'id'> | undefined;
}

/** Every method rejects with a RedisFault. */
export class RedisEntries {
  readonly #commands: RedisCommands;
  readonly #names: RedisNames;
  readonly #options: EntriesOptions;
  /** Each name needs a call of its own, as names in a cluster lie in different slots. */
  #isOneByOne: boolean;

  constructor(commands: RedisCommands, names: RedisNames, options: EntriesOptions) {
    this.#commands = commands;
    this.#names = names;
    this.#options = options;
    this.#isOneByOne = options.isCluster;
  }

  /**
   * One look per key, in one round trip per thousand. Sizes of bodies only with `wantsSizes`: they cost as much as the
   * rest.
   */
  async look(keys: readonly PayloadKey[], wantsSizes: boolean): Promise<EntryLook[]> {
    const looks: EntryLook[] = [];
    for (let at = 0; at < keys.length; at += NAMES_PER_ROUND) {
      const some = keys.slice(at, at + NAMES_PER_ROUND);
      looks.push(...(await this.#findingSlots(() => this.#lookAtOnce(some, wantsSizes))));
    }
    return looks;
  }

  /** Yields to the event loop between chunks: the names of 3,000 payloads alone take 13 ms. */
  async #lookAtOnce(keys: readonly PayloadKey[], wantsSizes: boolean): Promise<EntryLook[]> {
    const isOneByOne = this.#isOneByOne;
    const perTurn = isOneByOne ? COMMANDS_PER_TURN : NAMES_PER_CALL;
    const deadlineMs = STATES_DEADLINE_MS + keys.length * STATES_DEADLINE_MS_PER_NAME;
    const args = [wantsSizes ? 'sizes' : ''];
    const failures: unknown[] = [];
    const looks: Promise<EntryLook[]>[] = [];
    const ask = (names: readonly EntryNames[]): void => {
      const call = { script: 'lookAtEntries', names: names.map(({ entry }) => entry), args } as const;
      const looking = this.#commands.run('read', call, deadlineMs).then((answer) => readLooks(answer, names));
      // No more are sent after a failure. It is caught here as well, as it may come before all are sent and awaited.
      looking.catch((error: unknown) => failures.push(error));
      looks.push(looking);
    };
    for (let at = 0; at < keys.length && failures.length === 0; at += perTurn) {
      if (at > 0) await nextTurn();
      const names = keys.slice(at, at + perTurn).map((key) => this.#names.of(key));
      if (!isOneByOne) ask(names);
      else for (const one of names) ask([one]);
    }
    return (await Promise.all(looks)).flat();
  }

  /** `agoMs`: how long ago the origin confirmed it. */
  async confirm(names: EntryNames, version: number, agoMs: number): Promise<Confirming> {
    const args = this.#common(names, version, agoMs);
    const [entry, mirror] = await this.#forEachName(names, (some, roles) =>
      this.#commands.run('write', { script: 'confirmEntry', names: some, args: [roles, ...args] }),
    );
    const confirming = this.#readAnswer(entry);
    return confirming.kind === 'stored' && mirror === 'behind'
      ? { kind: 'behind' }
      : withMirror(confirming, mirror);
  }

  /** `agoMs` as for `confirm`. */
  async save(
    key: PayloadKey,
    names: EntryNames,
    { version }: Payload,
    { format, config, body, bodyEncoding }: BodyFields,
    agoMs: number,
  ): Promise<Storing> {
    const message = storedMessage(key, version, this.#options.instanceId);
    const common = this.#common(names, version, agoMs);
    const args = [...common, this.#names.channel, message, format, bodyEncoding, body, config];
    const [entry, mirror] = await this.#forEachName(names, (some, roles) =>
      this.#commands.saveBody(
        { script: 'saveEntry', names: some, args: [roles, ...args] },
        body.length + config.length,
      ),
    );
    const storing = this.#readAnswer(entry);
    if (storing.kind === 'behind') throw unexpectedAnswer();
    return withMirror(storing, mirror);
  }

  async remove(names: EntryNames): Promise<Removing> {
    const args = [names.owner, flag(names.isShared)];
    const [entry, mirror] = await this.#forEachName(names, (some, roles) =>
      this.#commands.run('write', { script: 'removeEntry', names: some, args: [roles, ...args] }),
    );
    if (entry === 'wrong_type' || entry === 'foreign_key') return { kind: 'unusable', fault: entry };
    if (entry !== 'removed' && entry !== 'missing') throw unexpectedAnswer();
    if (entry === 'removed') this.#commands.wrote();
    return { kind: entry === 'removed' || mirror === 'removed' ? 'removed' : 'missing' };
  }

  /** This field of the entry, of so many bytes, is not of the version that the entry claims. */
  async disprove({ entry }: EntryNames, version: number, field: string, bytes: number): Promise<void> {
    const args = [String(version), field, String(bytes)];
    await this.#commands.run('write', { script: 'disproveEntry', names: [entry], args });
  }

  #common({ owner, isShared, encoding }: EntryNames, version: number, agoMs: number): string[] {
    const { entryTtlS, instanceId, seal } = this.#options;
    const ago = String(Math.round(Math.min(agoMs, Number.MAX_SAFE_INTEGER)));
    return [
      String(version),
      String(entryTtlS),
      owner,
      flag(isShared),
      instanceId,
      ago,
      seal?.id ?? ANY_SEAL,
      encoding,
    ];
  }

  #readAnswer(answer: string | undefined): Confirming {
    if (answer === 'behind') return { kind: answer };
    if (answer === 'wrong_type' || answer === 'foreign_key') return { kind: 'unusable', fault: answer };
    const [, word, number] = /^(stored|newer)(?: (\d+))?$/.exec(answer ?? '') ?? [];
    if (word === 'stored') {
      this.#commands.wrote();
      return number === undefined ? { kind: word } : { kind: word, othersAgoMs: Number(number) };
    }
    if (word === undefined || number === undefined) throw unexpectedAnswer();
    return { kind: 'newer', version: Number(number) };
  }

  /** The answers for the entry and its mirror: from one step, or in a cluster from one step each, the entry first. */
  async #forEachName(
    { entry, mirror }: EntryNames,
    call: (names: readonly string[], roles: string) => Promise<unknown>,
  ): Promise<readonly [string | undefined, string | undefined]> {
    if (mirror === undefined) return [texts(await call([entry], 'e'))[0], undefined];
    return await this.#findingSlots(async () => {
      if (!this.#isOneByOne) {
        const [first, second] = texts(await call([entry, mirror], 'em'));
        return [first, second];
      }
      const first = texts(await call([entry], 'e'))[0];
      return [first, texts(await call([mirror], 'm'))[0]];
    });
  }

  /** A cluster behind one address shows itself when two names are first used in one command. */
  async #findingSlots<Value>(run: () => Promise<Value>): Promise<Value> {
    const wasOneByOne = this.#isOneByOne;
    try {
      return await run();
    } catch (error) {
      if (wasOneByOne || toRedisFault(error).code !== CROSS_SLOT) throw error;
      this.#isOneByOne = true;
      return await run();
    }
  }
}

/** A mirror that could not be written is reported once the entry itself is stored. */
function withMirror<Outcome extends Confirming>(
  outcome: Outcome,
  mirror: string | undefined,
): Outcome | Failing {
  return outcome.kind === 'stored' && mirror === 'wrong_type' ? { kind: 'unusable', fault: mirror } : outcome;
}

function texts(answer: unknown): string[] {
  if (!Array.isArray(answer)) throw unexpectedAnswer();
  return answer.map(String);
}

function flag(isSet: boolean): string {
  return isSet ? '1' : '0';
}
