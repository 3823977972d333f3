// A place that remote values outlive the process in, whose every value is proved by its hash before it counts as found.
import { BodyFault } from '../../../domain/body-reader.js';
import type { PayloadKey } from '../../../domain/payload-key.js';
import type { Payload } from '../../../domain/payload.js';
import { takeInBody } from '../../../bodies/body-intake.js';
import { inPieces } from '../../../bodies/body-pieces.js';
import type { Snapshots } from '../../../storage/snapshots.js';
import { createDigestReader } from './value-digest.js';
import { VALUE_BYTES_MAX } from './value-kind.js';

/** What is stored and is another value is removed: a save would find its version there, and write nothing. */
export function withProof(place: Snapshots): Snapshots {
  return {
    load: async (key, patience) => {
      const loading = await place.load(key, patience);
      if (loading.kind !== 'found' || (await isProved(key, loading.snapshot.payload))) return loading;
      await place.remove(key);
      return { kind: 'unusable', fault: 'torn' };
    },
    save: (key, payload, confirmedAgoMs) => place.save(key, payload, confirmedAgoMs),
    confirm: (key, version) => place.confirm(key, version),
    remove: (key) => place.remove(key),
    close: () => place.close(),
  };
}

async function isProved(key: PayloadKey, { originForm, identityBytes }: Payload): Promise<boolean> {
  const limits = { encodedBytesMax: originForm.bytes.length, decodedBytesMax: VALUE_BYTES_MAX };
  try {
    const body = inPieces(originForm.bytes);
    const taken = await takeInBody(body, originForm.encoding, createDigestReader(), limits);
    return taken.facts === key.sdkKey && taken.identityBytes === identityBytes;
  } catch (error) {
    if (error instanceof BodyFault) return false;
    throw error;
  }
}
