// Data keys as a feature: their file is followed and its mode looked at, and what cannot be opened for want of a key is a problem.
import { stat } from 'node:fs/promises';
import type { Config } from '../config/load-config.js';
import { parseDataKeyFile } from '../config/data-keys-config.js';
import { DataKeys } from '../files/data-keys.js';
import { ifThere } from '../files/file-system.js';
import type { FollowedFile } from '../files/followed-files.js';
import { BackupSeal } from '../storage/backup-seal.js';
import type { Feature } from './feature.js';
import type { World } from './world.js';

const READABLE_BY_OTHERS = 0o004;

export interface DataKeyRooms {
  readonly dataKeys: DataKeys;
  readonly backupSeal: BackupSeal;
  readonly dataKeyFiles: readonly FollowedFile[];
  readonly dataKeyFeature: Feature;
}

export function buildDataKeys(config: Config, { clock, log }: World): DataKeyRooms {
  const { dataKeyFile: path, dataKeys: read, encryptBackups } = config;
  const dataKeys = new DataKeys(clock, read?.content);
  const takeOver: FollowedFile['takeOver'] = ([text = '']) => {
    const { content, faults } = parseDataKeyFile(path, text);
    if (faults.length === 0) dataKeys.replace(content);
    return { faults, facts: { dataKeys: content.map(({ id }) => id) } };
  };
  return {
    dataKeys,
    backupSeal: new BackupSeal(dataKeys, encryptBackups),
    dataKeyFiles:
      read === undefined ? [] : [{ name: 'data key file', paths: [path], texts: [read.text], takeOver }],
    dataKeyFeature: {
      name: 'data keys',
      open: async () => {
        if (read === undefined) return;
        if (encryptBackups) log.warn('backups of specs are encrypted: SDK data adapters cannot read them');
        const found = await ifThere(stat(path));
        if (found !== undefined && (found.mode & READABLE_BY_OTHERS) !== 0)
          log.warn('every user may read the data key file: make it readable by its owner and group alone');
      },
      problems: () => {
        const { missing } = dataKeys;
        if (missing === undefined) return [];
        const { id, forMs, count } = missing;
        const what = `What data key ${id} has sealed cannot be opened: that key is missing.`;
        return [{ reason: 'data_key_missing', what, sinceMs: clock.nowMs() - forMs, count }];
      },
      status: () => ({
        dataKeys: { seals: dataKeys.sealingId ?? null, opens: dataKeys.ids, encryptBackups },
      }),
    },
  };
}
