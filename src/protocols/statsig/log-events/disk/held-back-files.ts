// Files of log events that stay as they are until their data key is there.
import { DataKeyMissing } from '../../../../files/data-keys.js';
import { errorCode } from '../../../../files/file-system.js';

export class HeldBackFiles {
  readonly #changed: (files: number, error: unknown) => void;
  #names: readonly string[] = [];

  /** `changed`: how many there are now, and why. Called where there were or are some. */
  constructor(changed: (files: number, error: unknown) => void) {
    this.#changed = changed;
  }

  /** Takes files over one by one, and holds back those whose data key is missing. Rejects with what else goes wrong. */
  async takeOver(names: readonly string[], takeOver: (name: string) => Promise<void>): Promise<void> {
    await this.#tryEach(names, takeOver, (error) => error instanceof DataKeyMissing);
  }

  /** The same for those that are held back. Never rejects: what goes wrong keeps them so. */
  async retry(takeOver: (name: string) => Promise<void>): Promise<void> {
    await this.#tryEach(this.#names, takeOver, () => true);
  }

  clear(): void {
    this.#names = [];
  }

  async #tryEach(
    names: readonly string[],
    takeOver: (name: string) => Promise<void>,
    canWait: (error: unknown) => boolean,
  ): Promise<void> {
    const left: string[] = [];
    let why: unknown;
    for (const name of names) {
      try {
        await takeOver(name);
      } catch (error) {
        // Somebody has put it aside.
        if (errorCode(error) === 'ENOENT') continue;
        if (!canWait(error)) throw error;
        left.push(name);
        why = error;
      }
    }
    const isTold = left.length + this.#names.length > 0;
    this.#names = left;
    if (isTold) this.#changed(left.length, why);
  }
}
