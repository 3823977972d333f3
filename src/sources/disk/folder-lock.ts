// One process per folder: its lock is held by a socket in it, which a killed process lets go of by itself.
import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { errorCode } from './file-system.js';
import { FolderRefused } from './own-folder.js';

export interface FolderLock {
  release(): Promise<void>;
}

const LOCK_NAME = 'lock';
/** Of a socket's path: less than any system allows, as a longer one would be cut without a word. */
const PATH_BYTES_MAX = 100;

/** Rejects with a FolderRefused where another process holds the folder. Where there can be no lock, `failed` is told, and none is held. */
export async function lockFolder(folder: string, failed: (error: unknown) => void): Promise<FolderLock> {
  const path = join(folder, LOCK_NAME);
  let server: Server | undefined;
  try {
    server = await tryListen(path);
  } catch (error) {
    failed(error);
    return { release: async () => undefined };
  }
  const held = server ?? (await takeOver(path));
  held.unref();
  return {
    release: async () => {
      held.close();
      await once(held, 'close');
    },
  };
}

/** Somebody listened here: who does not any more is dead, and his socket is in the way. */
async function takeOver(path: string): Promise<Server> {
  const server = (await isAlive(path)) ? undefined : await unlink(path).then(() => tryListen(path));
  if (server === undefined) throw new FolderRefused('another process uses the folder: each needs its own');
  return server;
}

async function tryListen(path: string): Promise<Server | undefined> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new Error(`the path of its lock is longer than ${PATH_BYTES_MAX} bytes`);
  }
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(path);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
}

async function isAlive(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // Refused: nobody listens there any more.
    return false;
  } finally {
    socket.destroy();
  }
}
