// A bounded number of places, shared by owners (SDK keys, clients): one may have all of them until another comes, in whatever order.

export class FairPlaces<Guest> {
  readonly max: number;
  /** The oldest guest first. */
  readonly #byOwner = new Map<string, Set<Guest>>();
  readonly #owners = new Map<Guest, string>();

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.#owners.size;
  }

  get isFull(): boolean {
    return this.size >= this.max;
  }

  get guests(): Iterable<Guest> {
    return this.#owners.keys();
  }

  countOf(owner: string): number {
    return this.#byOwner.get(owner)?.size ?? 0;
  }

  get byOwner(): readonly (readonly [owner: string, count: number])[] {
    return [...this.#byOwner].map(([owner, guests]) => [owner, guests.size]);
  }

  add(guest: Guest, owner: string): void {
    const guests = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, guests.add(guest));
    this.#owners.set(guest, owner);
  }

  /** Returns false for a guest that has no place. */
  remove(guest: Guest): boolean {
    const owner = this.#owners.get(guest);
    if (owner === undefined) return false;
    this.#owners.delete(guest);
    const guests = this.#byOwner.get(owner);
    guests?.delete(guest);
    if (guests?.size === 0) this.#byOwner.delete(owner);
    return true;
  }

  /**
   * Whose place a newcomer of this owner is to have where all are taken: the oldest guest of the owner with the most, if
   * that one still has as many as the newcomer's afterwards. So no place changes hands forever.
   */
  giverTo(owner: string): Guest | undefined {
    let most = new Set<Guest>();
    for (const guests of this.#byOwner.values()) if (guests.size > most.size) most = guests;
    if (most.size < this.countOf(owner) + 2) return undefined;
    const [oldest] = most;
    return oldest;
  }

  /** Removes the oldest guest of the owner that was served longest ago, and moves that owner to the end. */
  takeNext(): Guest | undefined {
    const [first] = this.#byOwner;
    if (first === undefined) return undefined;
    const [owner, guests] = first;
    const [oldest] = guests;
    if (oldest === undefined) throw new Error('an owner without a guest');
    this.#byOwner.delete(owner);
    this.#byOwner.set(owner, guests);
    this.remove(oldest);
    return oldest;
  }
}
