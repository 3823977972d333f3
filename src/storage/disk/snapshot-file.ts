// One snapshot's file: written whole and synced under another name; read back only if every byte is as it was written.
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { BodyFault } from '../../domain/body-reader.js';
import { toEtag } from '../../domain/etag.js';
import type { PayloadKey } from '../../domain/payload-key.js';
import type { Payload } from '../../domain/payload.js';
import type { ResourceKind } from '../../domain/resource-kind.js';
import { hashSdkKey } from '../../domain/sdk-key.js';
import { takeInBody, type BodyLimits } from '../../bodies/body-intake.js';
import { inPieces } from '../../bodies/body-pieces.js';
import { DATA_KEY_SEAL_BYTES } from '../../files/data-keys.js';
import type { BackupSeal } from '../backup-seal.js';
import type { SnapshotFault } from '../snapshots.js';
import { PIECE_BYTES, readBytes, writeBytes } from '../../files/file-bytes.js';
import { ifThere, isNoFile, READ_FLAGS, type FileSystem } from '../../files/file-system.js';
import {
  encodeHeader,
  HEADER_BYTES_MAX,
  readHeader,
  UNKNOWN_SHA256,
  type SnapshotHeader,
} from './snapshot-header.js';

const FILE_MODE = 0o600;

export interface OpenSnapshot {
  readonly kind: 'open';
  /** The caller closes it. */
  readonly handle: FileHandle;
  readonly header: SnapshotHeader;
  readonly lineBytes: number;
  readonly inode: number;
  /** The time of its last change is that of the last confirmation, by the wall clock, in milliseconds since 1970. */
  readonly confirmedAtMs: number;
}

export type Opening =
  | OpenSnapshot
  | { readonly kind: 'missing' }
  /** `inode` tells the file that was looked at from one that took its place since; undefined where it was not opened. */
  | { readonly kind: 'unusable'; readonly fault: SnapshotFault; readonly inode: number | undefined };

/** Opens the file and checks its header and length against the key and the limits; the body is not read. */
export async function openSnapshot(
  files: FileSystem,
  path: string,
  key: PayloadKey,
  limits: BodyLimits,
): Promise<Opening> {
  let handle: FileHandle | undefined;
  try {
    handle = await ifThere(files.open(path, READ_FLAGS));
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return { kind: 'unusable', fault: 'unknown_format', inode: undefined };
  }
  if (handle === undefined) return { kind: 'missing' };
  let opening: Opening | undefined;
  try {
    const stats = await handle.stat();
    opening = await examine(handle, stats, key, limits);
    return opening;
  } finally {
    if (opening?.kind !== 'open') await handle.close();
  }
}

async function examine(
  handle: FileHandle,
  stats: Stats,
  key: PayloadKey,
  limits: BodyLimits,
): Promise<Opening> {
  const unusable = (fault: SnapshotFault): Opening => ({ kind: 'unusable', fault, inode: stats.ino });
  if (!stats.isFile()) return unusable('unknown_format');
  const reading = readHeader(await readBytes(handle, 0, Math.min(stats.size, HEADER_BYTES_MAX)));
  if (reading.kind === 'unusable') return unusable(reading.fault);
  const { header, lineBytes } = reading;
  const isOfKey =
    header.keyHash === hashSdkKey(key.sdkKey) && header.api === key.kind.name && header.asked === key.format;
  if (!isOfKey) return unusable('foreign_key');
  if (stats.size !== lineBytes + header.bytes) return unusable('torn');
  const sealBytes = header.sealedWith === undefined ? 0 : DATA_KEY_SEAL_BYTES;
  const isWithinLimits =
    header.bytes - sealBytes <= limits.encodedBytesMax && header.identityBytes <= limits.decodedBytesMax;
  if (!isWithinLimits) return unusable('no_spec');
  const confirmedAtMs = Math.round(stats.mtimeMs);
  return { kind: 'open', handle, header, lineBytes, inode: stats.ino, confirmedAtMs };
}

/** The payload, or why the body cannot be used. */
export async function readPayload(
  { handle, header, lineBytes }: OpenSnapshot,
  key: PayloadKey,
  seal: BackupSeal,
): Promise<Payload | SnapshotFault> {
  const { kind } = key;
  let hash = createHash('sha256');
  const stored = await readBytes(handle, lineBytes, header.bytes, (piece) => hash.update(piece));
  if (hash.copy().digest('hex') !== header.sha256) return 'torn';
  let bytes = stored;
  if (header.sealedWith !== undefined) {
    const opened = await seal.open(key, header.version, stored);
    if (typeof opened === 'string') return opened;
    bytes = opened;
    hash = createHash('sha256').update(bytes);
  }
  const etag = toEtag(hash);
  // Bodies without a version of their own are small and parsed by their readers: another release may have accepted more.
  if (kind.versions === 'assigned' && !isReadable(kind, header, bytes)) return 'no_spec';
  const { format, version, encoding, identityBytes, checksum } = header;
  const ofBody = { format, version, identityBytes, originForm: { encoding, bytes, etag } };
  const payload = checksum === undefined ? ofBody : { ...ofBody, checksum };
  if (header.namedValues === undefined) return payload;
  const reader = kind.createStoredReader(format, identityBytes);
  const limits = { encodedBytesMax: bytes.length, decodedBytesMax: identityBytes };
  const { facts } = await takeInBody(inPieces(bytes), encoding, reader, limits);
  return { ...payload, namedValues: facts.namedValues };
}

function isReadable(kind: ResourceKind, { format, identityBytes }: SnapshotHeader, bytes: Buffer): boolean {
  const reader = kind.createStoredReader(format, identityBytes);
  try {
    reader.push(bytes);
    return reader.end().isServable;
  } catch (error) {
    if (error instanceof BodyFault) return false;
    throw error;
  }
}

export interface Written {
  readonly key: PayloadKey;
  readonly payload: Payload;
  readonly seal: BackupSeal;
}

/** Writes a file that is not there yet; when this resolves, it is whole on the disk. Leaves what it began where it fails. */
export async function writeSnapshot(
  files: FileSystem,
  path: string,
  { key, payload, seal }: Written,
  times: FileTimes,
): Promise<void> {
  const { bytes, encoding } = payload.originForm;
  const sealedWith = seal.id === '' ? undefined : seal.id;
  const body = sealedWith === undefined ? bytes : await seal.close(key, payload.version, bytes);
  const header: SnapshotHeader = {
    keyHash: hashSdkKey(key.sdkKey),
    api: key.kind.name,
    asked: key.format,
    format: payload.format,
    encoding,
    version: payload.version,
    sealedWith,
    bytes: body.length,
    identityBytes: payload.identityBytes,
    checksum: payload.checksum,
    namedValues: payload.namedValues?.length || undefined,
    sha256: UNKNOWN_SHA256,
  };
  const handle = await files.open(path, 'wx', FILE_MODE);
  try {
    // The header is written last, before the body: its hash is known when the body's last piece has gone by.
    const lineBytes = encodeHeader(header).length;
    const hash = createHash('sha256');
    for (let done = 0; done < body.length; done += PIECE_BYTES) {
      const piece = body.subarray(done, done + PIECE_BYTES);
      hash.update(piece);
      await writeBytes(handle, piece, lineBytes + done);
    }
    await writeBytes(handle, encodeHeader({ ...header, sha256: hash.digest('hex') }), 0);
    await setTimes(handle, times);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** By the wall clock, in milliseconds since 1970. */
export interface FileTimes {
  /** Of the origin's last confirmation: the time of the file's last change. */
  readonly confirmedAtMs: number;
  /** Of now: that of its last access, which shows that a process is working on it. */
  readonly nowMs: number;
}

export async function setTimes(handle: FileHandle, { confirmedAtMs, nowMs }: FileTimes): Promise<void> {
  await handle.utimes(nowMs / 1000, confirmedAtMs / 1000);
}
