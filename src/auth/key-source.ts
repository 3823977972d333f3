// Where the keys of a token's issuer come from: a file that is followed, or a URL.
import type { KeySet } from './key-set.js';

export interface KeySource {
  /** Undefined as long as none could be had. */
  readonly current: KeySet | undefined;
  /** Asked for where a token names a key that is not among them: whether there are others by now. */
  renewed(): Promise<boolean>;
}

/** Of a file: whoever follows it sets them. */
export class FiledKeys implements KeySource {
  current: KeySet;

  constructor(keys: KeySet) {
    this.current = keys;
  }

  async renewed(): Promise<boolean> {
    return false;
  }
}
