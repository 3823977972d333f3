// One process per folder: the lock is a socket in it, which the system closes when its process is killed.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { errorCode, ifThere, systemFiles, type FileSystem } from './file-system.js';
import { FolderRefused, type OwnFolder } from './own-folder.js';

export interface FolderLock {
  release(): Promise<void>;
}

/** Holds the sockets. */
const LOCK_FOLDER = 'lock';
const LOCK_FOLDER_MODE = 0o700;
/** The names of locks, and of sockets that are about to become locks. */
const NUMBER = /^[1-9]\d{0,5}$/;
const PENDING = /^n[0-9a-f]{6}$/;
const PENDING_BYTES = 3;
/** Of a socket's path: the least that a system allows (macOS), as some cut a longer one without saying so. */
const PATH_BYTES_MAX = 103;
/** Each attempt but the last found a lock whose process ended at that moment. */
const ATTEMPTS_MAX = 10;

/** Makes the folder where needed, checks that nobody else can write into it, and locks it; rejects as these do. */
export async function claimFolder(folder: OwnFolder, failed: (error: unknown) => void): Promise<FolderLock> {
  await folder.make();
  return await lockFolder(folder.path, failed);
}

/**
 * Rejects with a FolderRefused where another process holds the folder. Where a lock is impossible, `failed` is called, and
 * none is held.
 *
 * The name of a lock is a number, one higher than all that are there, and is given to a socket that listens already. So of
 * several processes that find the same dead locks one gets the next number, and the others see that it is alive. Whoever
 * got a number looks again and gives it up where another lock is alive; only locks that are dead after that are removed.
 * A name is never taken from a process that lives, and so no two can both miss each other.
 */
export async function lockFolder(
  folder: string,
  failed: (error: unknown) => void,
  files: FileSystem = systemFiles,
): Promise<FolderLock> {
  let server: Server | undefined;
  try {
    const locks = join(folder, LOCK_FOLDER);
    await makeLockFolder(files, locks);
    const pending = join(locks, `n${randomBytes(PENDING_BYTES).toString('hex')}`);
    server = await listen(pending);
    const path = await publish(files, locks, pending);
    const held = server;
    return {
      release: async () => {
        await ifThere(files.unlink(path));
        await close(held);
      },
    };
  } catch (error) {
    if (server !== undefined) await close(server);
    if (error instanceof FolderRefused) throw error;
    failed(error);
    return { release: async () => undefined };
  }
}

/** Gives the listening socket the name of a lock, and returns its path. */
async function publish(files: FileSystem, locks: string, pending: string): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const found = await deadLocks(files, locks);
    const number = Math.max(0, ...found.map(Number)) + 1;
    const path = join(locks, String(number));
    try {
      await files.link(pending, path);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      // Whoever holds the folder took it for what a killed process left.
      if (errorCode(error) === 'ENOENT') throw taken();
      throw error;
    }
    try {
      for (const name of await deadLocks(files, locks, number))
        await ifThere(files.unlink(join(locks, name)));
      await removePending(files, locks);
    } catch (error) {
      await ifThere(files.unlink(path));
      throw error;
    }
    return path;
  }
  throw taken();
}

/** The names of all locks but that of `own`; throws a FolderRefused where one of them is alive. */
async function deadLocks(files: FileSystem, locks: string, own?: number): Promise<readonly string[]> {
  const names = (await files.readdir(locks)).filter((name) => NUMBER.test(name) && Number(name) !== own);
  for (const name of names) if (await isAlive(join(locks, name))) throw taken();
  return names;
}

/** The own one, which has its number by now, and what killed processes left. */
async function removePending(files: FileSystem, locks: string): Promise<void> {
  for (const name of await files.readdir(locks)) {
    if (PENDING.test(name)) await ifThere(files.unlink(join(locks, name)));
  }
}

async function makeLockFolder(files: FileSystem, locks: string): Promise<void> {
  try {
    await files.mkdir(locks, LOCK_FOLDER_MODE);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

async function listen(path: string): Promise<Server> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new Error(`the path of its lock is longer than ${PATH_BYTES_MAX} bytes`);
  }
  const server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, 'listening');
  return server.unref();
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** What refuses a connection has no process any more. Any other failure does not prove that. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return !['ECONNREFUSED', 'ENOENT'].includes(errorCode(error));
  } finally {
    socket.destroy();
  }
}

function taken(): FolderRefused {
  return new FolderRefused('another process uses the folder: each needs its own');
}
