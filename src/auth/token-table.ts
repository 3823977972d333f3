// The tokens of the file, found by what a client presents, in a time that says nothing of them.
import { hash, timingSafeEqual } from 'node:crypto';
import { Listeners } from '../domain/listeners.js';
import { refused, type Granted, type Refusal } from './access.js';
import type { FileToken } from './token-file.js';

export class TokenTable {
  #tokens: readonly FileToken[];
  readonly #replaced = new Listeners<() => void>();

  constructor(tokens: readonly FileToken[]) {
    this.#tokens = tokens;
  }

  get size(): number {
    return this.#tokens.length;
  }

  /** From now on exactly these count. */
  replace(tokens: readonly FileToken[]): void {
    this.#tokens = tokens;
    this.#replaced.tell((listener) => {
      listener();
    });
  }

  onReplaced(listener: () => void): () => void {
    return this.#replaced.add(listener);
  }

  /** Whether the file still has this line. */
  has({ text }: FileToken): boolean {
    return this.#tokens.some((token) => token.text === text);
  }

  /** Undefined where the file has no such token. */
  find(presented: string, nowMs: number): Granted | Refusal | undefined {
    const sha256 = hash('sha256', presented, 'buffer');
    let line: FileToken | undefined;
    // To the end, and each hash in constant time.
    for (const token of this.#tokens) if (timingSafeEqual(token.sha256, sha256)) line = token;
    if (line === undefined) return undefined;
    const { name, scopes, endsAtMs } = line;
    if (endsAtMs !== undefined && endsAtMs <= nowMs) return refused('token_expired', name);
    return { kind: 'granted', access: { name, scopes, endsAtMs, line } };
  }
}
