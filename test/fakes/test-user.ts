// The user that the tests run as, as `main.ts` finds it.
import type { FolderUser } from '../../src/files/own-folder.js';

/** Undefined where the system knows no users. */
export function testUser(): FolderUser | undefined {
  const uid = process.getuid?.();
  const gids = [process.getgid?.() ?? [], process.getgroups?.() ?? []].flat();
  return uid === undefined ? undefined : { uid, gids };
}
