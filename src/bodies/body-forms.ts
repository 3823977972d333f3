// The encoded forms of one version of a body: the one that came, and the others made once, when first wanted.
import type { ConcurrencyLimit } from '../domain/concurrency-limit.js';
import { createHash } from 'node:crypto';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliCompress, createGzip } from 'node:zlib';
import { toEtag } from '../domain/etag.js';
import { ownBytes } from '../domain/own-copy.js';
import {
  ENCODINGS_BY_SIZE,
  type BodyForm,
  type Encoding,
  type FormEncoding,
  type Payload,
} from '../domain/payload.js';
import { createDecoder } from './body-decoding.js';
import { brotliOptions, PIECE_BYTES, zstdEncoder } from './body-encoding.js';

const GZIP_LEVEL = 6;

/** What can be made again from what came. */
interface Remade {
  /** How often it was looked at since it was last read. */
  looksUnread: number;
}

interface MadeForm extends Remade {
  readonly form: BodyForm<FormEncoding>;
}

interface Wrapped extends Remade {
  readonly frame: Promise<Buffer>;
  /** 0 while it is being made. */
  bytes: number;
}

export class BodyForms {
  readonly #origin: BodyForm;
  readonly #identityBytes: number;
  readonly #limit: ConcurrencyLimit;
  readonly #beforeMaking: () => Promise<void>;
  readonly #made = new Map<FormEncoding, MadeForm>();
  readonly #making = new Map<FormEncoding, Promise<BodyForm<FormEncoding>>>();
  /** By the name of the framing. */
  readonly #wrapped = new Map<string, Wrapped>();
  #byEase: readonly Encoding[];

  /**
   * `limit` bounds how many forms are made at one time, of all bodies together. `beforeMaking` is what the making of an encoding
   * waits for; it never rejects.
   */
  constructor(
    payload: Payload,
    limit: ConcurrencyLimit,
    beforeMaking: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#origin = payload.originForm;
    this.#identityBytes = payload.identityBytes;
    this.#limit = limit;
    this.#beforeMaking = beforeMaking;
    this.#byEase = this.#keep(payload.originForm);
  }

  /** The encodings that any client may name, those at hand first; the one that came from the origin before all. */
  get byEase(): readonly Encoding[] {
    return this.#byEase;
  }

  /** Counts as reading the form. */
  held(encoding: FormEncoding): BodyForm<FormEncoding> | undefined {
    const made = this.#made.get(encoding);
    if (made !== undefined) made.looksUnread = 0;
    return made?.form;
  }

  /**
   * Lets go of what was made here and was not read since the last `looksMax` calls; the form that came stays. Returns how many
   * bytes that was.
   */
  dropUnread(looksMax: number): number {
    let droppedBytes = 0;
    const isUnread = (remade: Remade): boolean => (remade.looksUnread += 1) >= looksMax;
    for (const [encoding, made] of this.#made) {
      if (made.form === this.#origin || !isUnread(made)) continue;
      droppedBytes += made.form.bytes.length;
      this.#made.delete(encoding);
    }
    for (const [framing, wrapped] of this.#wrapped) {
      if (wrapped.bytes === 0 || !isUnread(wrapped)) continue;
      droppedBytes += wrapped.bytes;
      this.#wrapped.delete(framing);
    }
    if (droppedBytes > 0) this.#byEase = this.#inOrderOfEase();
    return droppedBytes;
  }

  /**
   * Every caller waits for the same one making. Rejects where memory or zlib fails; the next caller tries again. Not to be
   * asked for zstd where `canMakeZstd` is false.
   */
  make(encoding: FormEncoding): Promise<BodyForm<FormEncoding>> {
    const under = this.#making.get(encoding);
    if (under !== undefined) return under;
    const making = this.#beforeMaking()
      .then(() => this.#limit(() => convert(this.#origin, encoding, this.#identityBytes)))
      .then((form) => {
        this.#byEase = this.#keep(form);
        return form;
      })
      .finally(() => this.#making.delete(encoding));
    this.#making.set(encoding, making);
    return making;
  }

  /**
   * The identity body as a wire frames it; made once for each framing. `frameOf` must leave the pieces of the body as they are.
   * Rejects where memory or zlib fails; the next caller tries again.
   */
  wrap(framing: string, frameOf: (pieces: readonly Buffer[]) => Buffer): Promise<Buffer> {
    const known = this.#wrapped.get(framing);
    if (known !== undefined) {
      known.looksUnread = 0;
      return known.frame;
    }
    const frame = this.#limit(async () => {
      const identity = this.#made.get('identity');
      const pieces = identity === undefined ? await this.#identityPieces() : [identity.form.bytes];
      const made = frameOf(pieces);
      wrapped.bytes = made.length;
      return made;
    }).catch((error: unknown) => {
      this.#wrapped.delete(framing);
      throw error;
    });
    const wrapped: Wrapped = { frame, bytes: 0, looksUnread: 0 };
    this.#wrapped.set(framing, wrapped);
    return frame;
  }

  /** Not kept: what is kept of them is what they are wrapped in. */
  async #identityPieces(): Promise<Buffer[]> {
    const pieces: Buffer[] = [];
    await decodeForm(this.#origin, (piece) => pieces.push(piece));
    return pieces;
  }

  #keep(form: BodyForm<FormEncoding>): readonly Encoding[] {
    this.#made.set(form.encoding, { form, looksUnread: 0 });
    return this.#inOrderOfEase();
  }

  #inOrderOfEase(): readonly Encoding[] {
    const made = [...this.#made.keys()].filter((encoding) => encoding !== 'zstd');
    return [...made, ...ENCODINGS_BY_SIZE.filter((encoding) => !this.#made.has(encoding))];
  }

  /** Bytes held per form. */
  get sizes(): Partial<Record<FormEncoding | 'wrapped', number>> {
    const made = [...this.#made].map(([encoding, { form }]) => [encoding, form.bytes.length] as const);
    const wrappedBytes = [...this.#wrapped.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    return Object.fromEntries([...made, ...(wrappedBytes > 0 ? [['wrapped', wrappedBytes] as const] : [])]);
  }
}

/** Whether this Node can. */
export const canMakeZstd = zstdEncoder !== undefined;

/** The body of a form, decoded piece by piece on zlib's threads. */
export async function decodeForm(form: BodyForm, take: (piece: Buffer) => void): Promise<void> {
  await run(form, [], take);
}

/** A body that is at hand without compression. */
export async function encodeBody(bytes: Buffer, encoding: Encoding): Promise<BodyForm> {
  return await convert({ encoding: 'identity', bytes, etag: '' }, encoding, bytes.length);
}

/** The same body in the same encoding, but for its first bytes. */
export async function withoutStart(
  form: BodyForm,
  startBytes: number,
  identityBytes: number,
): Promise<BodyForm> {
  return await convert(form, form.encoding, identityBytes, startBytes);
}

/** Between two compressed forms the whole identity body is never held. */
async function convert<Coding extends FormEncoding>(
  from: BodyForm,
  to: Coding,
  identityBytes: number,
  startBytes = 0,
): Promise<BodyForm<Coding>> {
  const pieces: Buffer[] = [];
  const hash = createHash('sha256');
  const stages = encoders(to, identityBytes);
  if (startBytes > 0) stages.unshift(leaveOut(startBytes));
  await run(from, stages, (piece) => {
    pieces.push(piece);
    hash.update(piece);
  });
  return { encoding: to, bytes: ownBytes(pieces), etag: toEtag(hash) };
}

/** Decodes a form and puts it through `stages`, piece by piece on zlib's threads. */
async function run(
  from: BodyForm,
  stages: readonly NodeJS.ReadWriteStream[],
  take: (piece: Buffer) => void,
): Promise<void> {
  const sink = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      try {
        take(piece);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  const source = Readable.from(slices(from.bytes), { objectMode: false });
  await pipeline([source, ...decoders(from.encoding), ...stages, sink]);
}

function leaveOut(startBytes: number): Transform {
  let left = startBytes;
  return new Transform({
    transform: (piece: Buffer, _encoding, done) => {
      const rest = piece.subarray(left);
      left -= piece.length - rest.length;
      done(null, rest);
    },
  });
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function decoders(encoding: Encoding): NodeJS.ReadWriteStream[] {
  return encoding === 'identity' ? [] : [createDecoder(encoding)];
}

function encoders(encoding: FormEncoding, identityBytes: number): NodeJS.ReadWriteStream[] {
  switch (encoding) {
    case 'identity':
      return [];
    case 'gzip':
      return [createGzip({ level: GZIP_LEVEL, chunkSize: PIECE_BYTES })];
    case 'br':
      return [createBrotliCompress(brotliOptions(identityBytes))];
    case 'zstd':
      if (zstdEncoder === undefined) throw new Error('this Node has no zstd');
      return [zstdEncoder(identityBytes)];
  }
}
