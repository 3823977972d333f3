// Listeners of one subject, told in the order in which they came.

export class Listeners<Listener> {
  readonly #listeners = new Set<Listener>();

  /** Returns what ends the subscription; calling that again does nothing. */
  add(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Those that are added or leave meanwhile are not told, or told once more. */
  tell(call: (listener: Listener) => void): void {
    for (const listener of [...this.#listeners]) call(listener);
  }
}
