// A place that specs outlive the process in, beside the values that they name: those are stored before, and there after.
import type { Payload } from '../../../domain/payload.js';
import type { Snapshots } from '../../../storage/snapshots.js';
import type { RemoteValues } from './remote-values.js';
import { valueKey } from './value-kind.js';

/**
 * `specs` and `values`: one place, which may keep the two apart. Another replica that finds a spec there finds its values
 * too, as far as they could be stored, and need not ask the origin.
 */
export function withNamedValues(specs: Snapshots, values: Snapshots, remoteValues: RemoteValues): Snapshots {
  async function saveValues({ namedValues = [] }: Payload): Promise<void> {
    for (const { sha256 } of namedValues) {
      const held = remoteValues.peek(sha256);
      // One that fails is written later, when it is confirmed: the spec does not wait for it.
      if (held !== undefined) await values.save(valueKey(sha256), held.payload);
    }
  }

  return {
    load: async (key, patience) => {
      const loading = await specs.load(key, patience);
      if (loading.kind === 'found') {
        await remoteValues.arrive(key, loading.snapshot.payload, patience === 'client');
      }
      return loading;
    },
    save: async (key, payload, confirmedAgoMs) => {
      await saveValues(payload);
      return await specs.save(key, payload, confirmedAgoMs);
    },
    confirm: (key, version) => specs.confirm(key, version),
    remove: (key) => specs.remove(key),
    close: () => specs.close(),
  };
}
