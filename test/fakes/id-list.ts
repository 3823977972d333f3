// An ID list as Statsig keeps it: a file of hashed members that only grows, until another file takes its place.
import { createHash } from 'node:crypto';
import { MATRIX, type FileAnswer } from './id-list-answers.js';

export interface ListFile {
  readonly fileId: string;
  /** Seconds since 1970, as Statsig has it. */
  readonly creationTime: number;
  bytes: Buffer;
}

/** What stands for a member in a file: the first 8 characters of the base64 of its SHA-256. */
export function memberHash(userId: string): string {
  return createHash('sha256').update(userId).digest('base64').slice(0, 8);
}

export class OriginIdList {
  readonly name: string;
  /** Every file there has been, the one in use last. */
  readonly files: ListFile[] = [];
  /** How the storage answers for each of them. */
  answer: FileAnswer = MATRIX.range_206;
  /** How often one of them was asked for. */
  asked = 0;

  constructor(name: string, userIds: readonly string[]) {
    this.name = name;
    this.replace(...userIds);
  }

  get file(): ListFile {
    const file = this.files.at(-1);
    if (file === undefined) throw new Error(`${this.name} has no file`);
    return file;
  }

  add(...userIds: readonly string[]): void {
    this.append(linesOf('+', userIds));
  }

  remove(...userIds: readonly string[]): void {
    this.append(linesOf('-', userIds));
  }

  /** Whole lines, or what a list should not hold. */
  append(text: string): void {
    this.file.bytes = Buffer.concat([this.file.bytes, Buffer.from(text)]);
  }

  /** A new file, made later, with these members only: with none of them it is empty. */
  replace(...userIds: readonly string[]): void {
    const number = this.files.length + 1;
    this.files.push({
      fileId: `${this.name}-file-${number}`,
      creationTime: 1_700_000_000 + number,
      bytes: Buffer.from(linesOf('+', userIds)),
    });
  }
}

function linesOf(sign: '+' | '-', userIds: readonly string[]): string {
  return userIds.map((userId) => `${sign}${memberHash(userId)}\n`).join('');
}
