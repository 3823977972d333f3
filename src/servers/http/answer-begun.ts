// Tells whoever counts answers that one which goes on for long has begun: others count where they end.
import type { EventEmitter } from 'node:events';

const BEGUN = Symbol('begun');

export function tellBegun(answer: EventEmitter): void {
  answer.emit(BEGUN);
}

export function onceBegun(answer: EventEmitter, listener: () => void): void {
  answer.once(BEGUN, listener);
}
