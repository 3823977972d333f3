// Files and folders: who may change or read what settings name, and whether the data directory can be written by this user.
import { randomUUID } from 'node:crypto';
import { stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/load-config.js';
import { sourceOf, type Setting } from '../config/setting.js';
import { settings } from '../config/settings.js';
import { errorCode, systemFiles } from '../files/file-system.js';
import { folderFault } from '../files/folder-fault.js';
import { FolderRefused, OwnFolder } from '../files/own-folder.js';
import { fileFault } from '../files/small-file.js';
import { fail, pass, warn, type Finding, type Patient } from './check.js';

const WRITABLE_BY_OTHERS = 0o002;
const READABLE_BY_OTHERS = 0o004;
const MIB = 1024 * 1024;

interface NamedFile {
  readonly setting: Setting;
  readonly path: string;
  readonly isSecret: boolean;
}

export async function checkFiles(patient: Pick<Patient, 'config' | 'user'>): Promise<Finding[]> {
  const files = namedFiles(patient.config);
  const ofFiles = await Promise.all(files.map(checkFile));
  const ofFolder = await checkDataDir(patient);
  const findings = [...ofFiles.flat(), ...ofFolder];
  return findings.length > 0 ? findings : [pass('settings name no file and no folder')];
}

/** That each can be read and holds what it should was found when the settings were loaded, but for the password. */
export function namedFiles(config: Config): readonly NamedFile[] {
  const file = (name: keyof typeof settings & keyof Config, isSecret: boolean): NamedFile[] => {
    const path = String(config[name]);
    return path === '' ? [] : [{ setting: settings[name], path, isSecret }];
  };
  return [
    ...file('sdkKeysFile', true),
    ...file('dataKeyFile', true),
    ...file('tokensFile', true),
    ...file('jwtKeysFile', false),
    ...file('originCaFile', false),
    ...file('originCertFile', false),
    ...file('originKeyFile', true),
    ...file('x509ServerCertPath', false),
    ...file('x509ServerKeyPath', true),
    ...file('x509ClientCertPath', false),
    ...file('redisCaFile', false),
    ...file('redisCertFile', false),
    ...file('redisKeyFile', true),
    ...file('redisPasswordFile', true),
  ];
}

async function checkFile({ setting, path, isSecret }: NamedFile): Promise<Finding[]> {
  const source = sourceOf(setting);
  let mode: number;
  try {
    ({ mode } = await stat(path));
  } catch (error) {
    return [fail(`${source}: ${fileFault(path, error)}`, 'Name a file that this user may read.')];
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    return [fail(`${source}: every user may change ${path}`, `chmod o-w ${path}: what it says is believed.`)];
  }
  if (isSecret && (mode & READABLE_BY_OTHERS) !== 0) {
    const remedy = `chmod o-r ${path}; for a Secret of Kubernetes: defaultMode: 0440 with an fsGroup.`;
    return [warn(`${source}: every user may read ${path}, which holds a secret`, remedy)];
  }
  return [pass(`${source}: ${path} can be read`)];
}

/** The folders in it that are there already have to be this user's own; the daemon makes the others. */
const FOLDERS = ['specs', 'log-events', 'id-lists', 'remote-values'];

async function checkDataDir({ config, user }: Pick<Patient, 'config' | 'user'>): Promise<Finding[]> {
  const { specDir, dataDir } = config;
  const folder = dataDir === '' ? specDir : dataDir;
  if (folder === undefined) return [];
  const source = sourceOf(settings.dataDir);
  const fault = folderFault(folder);
  if (fault !== undefined) {
    const remedy = 'Name a folder that this user owns, or may make; in Kubernetes a volume with fsGroup.';
    return [fail(`${source}: ${folder} ${fault}`, remedy)];
  }
  if (!(await isThere(folder))) return [pass(`${source}: ${folder} is not there yet and can be made`)];
  const refused = await Promise.all(FOLDERS.map((name) => checkOwnFolder(join(folder, name), user)));
  return [...refused.flat(), await tryWriting(source, folder), await checkSpace(config, source, folder)];
}

async function isThere(folder: string): Promise<boolean> {
  try {
    await stat(folder);
    return true;
  } catch (error) {
    // What else there may be is found by trying to write.
    return errorCode(error) !== 'ENOENT';
  }
}

async function checkOwnFolder(path: string, user: Patient['user']): Promise<Finding[]> {
  try {
    await new OwnFolder(systemFiles, path, user).isThere();
    return [];
  } catch (error) {
    const why = error instanceof FolderRefused ? error.message : errorCode(error);
    const owner = user === undefined ? 'the user of the daemon' : `user ${user.uid}`;
    return [fail(`${path} cannot be used: ${why}`, `Give it to ${owner}: chown -R, and chmod o-w.`)];
  }
}

async function tryWriting(source: string, folder: string): Promise<Finding> {
  const path = join(folder, `.spec-forward-proxy-doctor-${randomUUID()}`);
  try {
    await writeFile(path, 'x', { flag: 'wx', mode: 0o600 });
    await unlink(path);
    return pass(`${source}: ${folder} can be written`);
  } catch (error) {
    const remedy = 'Check owner, mode, free space, and whether the volume is mounted read-only.';
    return fail(`${source}: ${folder} cannot be written (${errorCode(error)})`, remedy);
  }
}

/** What settings allow to be written there, at most. */
async function checkSpace(config: Config, source: string, folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const freeMib = Math.floor((bavail * bsize) / MIB);
  const { logEventQueueMaxMib, idListFilesMaxMib, remoteValuesMaxMib } = config;
  const wantedMib = config.dataDir === '' ? 0 : logEventQueueMaxMib + idListFilesMaxMib + remoteValuesMaxMib;
  if (freeMib >= wantedMib) return pass(`${source}: ${freeMib} MiB are free`);
  return warn(
    `${source}: ${freeMib} MiB are free, and log events, ID lists and remote values may take ${wantedMib} MiB`,
    'A larger volume, or lower --log-event-queue-max-in-mib, --id-list-files-max-in-mib and --remote-values-max-in-mib.',
  );
}
