// The port through which an origin that pushes tells of newer versions, without sending them.
import type { PayloadKey } from '../domain/payload-key.js';

export interface PushListener {
  /** The origin has this version; perhaps not for the first time. */
  heard(version: number): void;
  /** From now on it will be told of every newer one; or no more. */
  live(isLive: boolean): void;
}

export interface PushSource {
  /** Returns what ends the watch; whatever breaks meanwhile is tried again. */
  watch(key: PayloadKey, listener: PushListener): () => void;
}
