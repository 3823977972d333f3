// Whoever waits until nothing is left to do: told all at once, in the order in which they came.

export class IdleWait {
  #waiting: (() => void)[] = [];

  /** Resolves at the next `tell`. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
