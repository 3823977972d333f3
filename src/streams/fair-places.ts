// A bounded number of places, shared by SDK keys: one key may have all of them until another comes, in whatever order.

export class FairPlaces<Guest> {
  readonly max: number;
  /** By SDK key, the oldest guest first. */
  readonly #byKey = new Map<string, Set<Guest>>();
  readonly #keys = new Map<Guest, string>();

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.#keys.size;
  }

  get isFull(): boolean {
    return this.size >= this.max;
  }

  get guests(): Iterable<Guest> {
    return this.#keys.keys();
  }

  countOf(sdkKey: string): number {
    return this.#byKey.get(sdkKey)?.size ?? 0;
  }

  get byKey(): readonly (readonly [sdkKey: string, count: number])[] {
    return [...this.#byKey].map(([sdkKey, guests]) => [sdkKey, guests.size]);
  }

  add(guest: Guest, sdkKey: string): void {
    const guests = this.#byKey.get(sdkKey) ?? new Set();
    this.#byKey.set(sdkKey, guests.add(guest));
    this.#keys.set(guest, sdkKey);
  }

  /** Returns false for a guest that has no place. */
  remove(guest: Guest): boolean {
    const sdkKey = this.#keys.get(guest);
    if (sdkKey === undefined) return false;
    this.#keys.delete(guest);
    const guests = this.#byKey.get(sdkKey);
    guests?.delete(guest);
    if (guests?.size === 0) this.#byKey.delete(sdkKey);
    return true;
  }

  /**
   * Whose place a newcomer of this key is to have where all are taken: the oldest guest of the key with the most, if that
   * key still has as many as the newcomer's afterwards. So no place changes hands forever.
   */
  giverTo(sdkKey: string): Guest | undefined {
    let most = new Set<Guest>();
    for (const guests of this.#byKey.values()) if (guests.size > most.size) most = guests;
    if (most.size < this.countOf(sdkKey) + 2) return undefined;
    const [oldest] = most;
    return oldest;
  }
}
