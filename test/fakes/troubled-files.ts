// The system's own operations on files, each of which a test may let fail, cut short or hang.
import type { Stats } from 'node:fs';
import { systemFiles, type FileSystem } from '../../src/files/file-system.js';

/** Of the folder, and of a file that is open. */
export const FILE_OPERATIONS = [
  ...(['link', 'lstat', 'mkdir', 'open', 'readdir', 'rename', 'stat', 'unlink'] as const),
  ...(['read', 'write', 'sync', 'utimes', 'truncate', 'close'] as const),
];
export type FileOperation = (typeof FILE_OPERATIONS)[number];

type Operation = (...args: unknown[]) => Promise<unknown>;
/** Whether this call is to fail, by its arguments. */
type Chosen = (...args: readonly unknown[]) => boolean;

export interface Hanging {
  /** Resolves when the operation was asked for. */
  readonly reached: Promise<void>;
  readonly release: () => void;
}

export class TroubledFiles {
  readonly files: FileSystem = this.#wrapped(systemFiles);
  /** Every operation that was asked for, in order. */
  readonly order: FileOperation[] = [];
  #open = 0;
  readonly #codes = new Map<FileOperation, { readonly code: string; readonly chosen: Chosen }>();
  readonly #hooks = new Map<FileOperation, (...args: readonly unknown[]) => Promise<void>>();
  readonly #owners = new Map<string, number>();
  #bytesMax = Infinity;

  /** Handles that were opened and not closed. */
  get openHandles(): number {
    return this.#open;
  }

  /** From now on the operation fails with the code, until `heal`. */
  fail(operation: FileOperation, code: string, chosen: Chosen = () => true): void {
    this.#codes.set(operation, { code, chosen });
  }

  heal(): void {
    this.#codes.clear();
    this.#bytesMax = Infinity;
  }

  /** The operation is not begun until it is released. */
  hang(operation: FileOperation, chosen: Chosen = () => true): Hanging {
    let [reach, release]: (() => void)[] = [];
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    this.#hooks.set(operation, async (...args) => {
      if (!chosen(...args)) return;
      reach?.();
      await released;
    });
    return {
      reached,
      release: () => {
        this.#hooks.delete(operation);
        release?.();
      },
    };
  }

  /** What is at this path belongs to another user from now on. */
  changeOwner(path: string, uid: number): void {
    this.#owners.set(path, uid);
  }

  /** Reads and writes take no more bytes than this at a time. */
  cutShort(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  #wrapped<Target extends object>(target: Target): Target {
    return new Proxy(target, {
      get: (_target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        const operation = FILE_OPERATIONS.find((known) => known === name);
        if (typeof value !== 'function' || operation === undefined) return value;
        const run = value as Operation;
        return (...args: unknown[]) => this.#call(operation, target, run, args);
      },
    });
  }

  async #call(operation: FileOperation, target: object, run: Operation, args: unknown[]): Promise<unknown> {
    this.order.push(operation);
    await this.#hooks.get(operation)?.(...args);
    // A handle has to be closed whatever is said of it.
    if (operation !== 'close') this.#throwIfTold(operation, args);
    const result = await Reflect.apply(run, target, this.#shortened(operation, args));
    if (operation === 'open') {
      this.#open += 1;
      return this.#wrapped(result as object);
    }
    if (operation === 'close') {
      this.#open -= 1;
      this.#throwIfTold(operation, args);
    }
    const owner = this.#owners.get(String(args[0]));
    return operation === 'lstat' && owner !== undefined
      ? Object.assign(result as Stats, { uid: owner })
      : result;
  }

  #throwIfTold(operation: FileOperation, args: readonly unknown[]): void {
    const told = this.#codes.get(operation);
    if (told?.chosen(...args) === true) {
      throw Object.assign(new Error(`${operation} of ${String(args[0])}`), { code: told.code });
    }
  }

  /** Both take buffer, offset, length and position. */
  #shortened(operation: FileOperation, args: unknown[]): unknown[] {
    if (operation !== 'read' && operation !== 'write') return args;
    const [buffer, offset, length, position] = args;
    return [buffer, offset, Math.min(Number(length), this.#bytesMax), position];
  }
}
