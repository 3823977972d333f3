// Files of text lines: appended with a sync, and read whole; half a line that a crash left is cut off before the next one.
import { constants } from 'node:fs';
import { writeBytes } from './file-bytes.js';
import { ifThere, READ_FLAGS, systemFiles } from './file-system.js';

const OWNER_ONLY = 0o600;
const APPEND_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
const LINE_END = 0x0a;
/** Looked through at a time, from the end. */
const SEARCHED_BYTES = 65_536;

/** On the disk when this resolves. */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const handle = await systemFiles.open(path, APPEND_FLAGS, OWNER_ONLY);
  try {
    const { size } = await handle.stat();
    const whole = await endOfLastLine(handle, size);
    if (whole < size) await handle.truncate(whole);
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    await writeBytes(handle, bytes, whole);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Without half a line at the end; none where there is no such file. */
export async function readWhole(path: string): Promise<readonly string[]> {
  const handle = await ifThere(systemFiles.open(path, READ_FLAGS));
  if (handle === undefined) return [];
  try {
    return (await handle.readFile()).toString().split('\n').slice(0, -1);
  } finally {
    await handle.close();
  }
}

async function endOfLastLine(
  handle: Awaited<ReturnType<typeof systemFiles.open>>,
  size: number,
): Promise<number> {
  for (let to = size; to > 0;) {
    const from = Math.max(0, to - SEARCHED_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
    const at = buffer.lastIndexOf(LINE_END);
    if (at >= 0) return from + at + 1;
    to = from;
  }
  return 0;
}
