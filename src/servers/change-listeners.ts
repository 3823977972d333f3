// Who wants to know that something changed, without saying what.

export class ChangeListeners {
  readonly #listeners = new Set<() => void>();

  /** Returns what ends it. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
