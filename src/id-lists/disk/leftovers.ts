// Names whose files nobody needs any more, until those are removed.
import { checkpointFile, copyFile, temporaryFile } from './copy-names.js';
import type { CopyWorld } from './disk-copy.js';

export class Leftovers {
  readonly #world: Pick<CopyWorld, 'access' | 'folder'>;
  readonly #isInUse: (name: string) => boolean;
  readonly #names = new Set<string>();
  #isClearing = false;

  /** `isInUse`: whether there is a copy of that name by now. */
  constructor(world: Pick<CopyWorld, 'access' | 'folder'>, isInUse: (name: string) => boolean) {
    this.#world = world;
    this.#isInUse = isInUse;
  }

  add(names: Iterable<string>): void {
    for (const name of names) this.#names.add(name);
  }

  /** Removes what it can; the rest waits for the next time. Never rejects. */
  async clear(): Promise<void> {
    if (this.#isClearing) return;
    this.#isClearing = true;
    for (const name of [...this.#names]) {
      this.#names.delete(name);
      if (!this.#isInUse(name) && !(await this.#remove(name))) this.#names.add(name);
    }
    this.#isClearing = false;
  }

  /** Whoever makes a copy of this name meanwhile waits in line. */
  async #remove(name: string): Promise<boolean> {
    const { access, folder } = this.#world;
    const files = [checkpointFile(name), copyFile(name)];
    try {
      await access.run({ access: 'write', name }, async () => {
        for (const file of files) {
          await folder.remove(file);
          await folder.remove(temporaryFile(file));
        }
      });
      return true;
    } catch {
      // Told by `access`.
      return false;
    }
  }
}
