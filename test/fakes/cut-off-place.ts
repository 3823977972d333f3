// A place for snapshots that can be reached only as long as a replica reaches what all replicas share.
import type { PayloadKey } from '../../src/domain/payload-key.js';
import type { Payload } from '../../src/domain/payload.js';
import type { Confirming, Loading, Removing, Snapshots, Storing } from '../../src/storage/snapshots.js';

const UNREACHABLE = { kind: 'failed', reason: 'connection_refused' } as const;

export class CutOff implements Snapshots {
  readonly #place: Snapshots;
  readonly #way: { readonly isReachable: boolean };

  constructor(place: Snapshots, way: { readonly isReachable: boolean }) {
    this.#place = place;
    this.#way = way;
  }

  async load(key: PayloadKey): Promise<Loading> {
    return this.#way.isReachable ? await this.#place.load(key) : UNREACHABLE;
  }

  async save(key: PayloadKey, payload: Payload): Promise<Storing> {
    return this.#way.isReachable ? await this.#place.save(key, payload) : UNREACHABLE;
  }

  async confirm(key: PayloadKey, version: number): Promise<Confirming> {
    return this.#way.isReachable ? await this.#place.confirm(key, version) : UNREACHABLE;
  }

  async remove(key: PayloadKey): Promise<Removing> {
    return this.#way.isReachable ? await this.#place.remove(key) : UNREACHABLE;
  }

  async close(): Promise<void> {
    await this.#place.close();
  }
}
