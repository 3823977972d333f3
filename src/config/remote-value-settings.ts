// Settings of the values that specs name instead of holding them.
import { integer } from './setting-rows.js';

export const remoteValueSettings = {
  remoteValuesMaxMib: integer({
    flag: 'remote-values-max-in-mib',
    env: 'SFP_REMOTE_VALUES_MAX_IN_MIB',
    default: 256,
    // The largest value in all its forms, and another one.
    min: 64,
    max: 1_048_576,
    unit: 'MiB',
    help: 'remote values of dynamic configs held in memory, and as much on disk where specs are kept there; the least recently used leave first',
  }),
} as const;
