// Holds back what a fake would answer, until its test lets go.

export class Gate {
  #opened: Promise<void> = Promise.resolve();

  /** Resolves at once, or when what holds is let go. */
  get opened(): Promise<void> {
    return this.#opened;
  }

  /** Nothing passes until the returned function is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.#opened = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }
}
