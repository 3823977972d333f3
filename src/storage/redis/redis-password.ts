// The password of Redis as it is now: a setting, or the text of a file that is read at each connection, as it may change.
import { open } from 'node:fs/promises';
import { RedisFault } from './redis-fault.js';
import type { RedisOptions } from './redis-options.js';

const FILE_BYTES_MAX = 64 * 1024;

/**
 * What it returns rejects with a RedisFault where the file cannot be read. One line break at its end does not belong to
 * the password.
 */
export function createPasswordReader({
  password,
  passwordFile,
}: Pick<RedisOptions, 'password' | 'passwordFile'>): () => Promise<string> {
  if (passwordFile === '') return () => Promise.resolve(password);
  // One at a time: a file system that hangs holds one of Node's threads, not all of them.
  let reading: Promise<string> | undefined;
  return () => {
    reading ??= readText(passwordFile).finally(() => {
      reading = undefined;
    });
    return reading;
  };
}

async function readText(path: string): Promise<string> {
  try {
    const text = await readStart(path);
    return text.replace(/\r?\n$/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
    throw new RedisFault('auth_failed', `PASSWORD_FILE_${code}`);
  }
}

async function readStart(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_BYTES_MAX), 0, FILE_BYTES_MAX, null);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
