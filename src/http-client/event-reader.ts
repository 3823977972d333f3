// Reads server-sent events from the pieces of an answer's body, cut anywhere (HTML standard, 9.2.6).
import { BodyFault } from '../domain/body-reader.js';

export interface ServerEvent {
  /** `message` where none is named. */
  readonly event: string;
  /** The bytes as they came: whoever passes them on changes nothing of them. */
  readonly data: Buffer;
}

/** The default bound on one event. */
export const EVENT_BYTES_MAX = 65_536;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const NEW_LINE = Buffer.from('\n');

export class EventReader {
  readonly #bytesMax: number;
  /** The pieces of a line whose end has not come yet. */
  #line: Buffer[] = [];
  /** The last line ended in a carriage return: a line feed right behind it belongs to that. */
  #mayFeedFollow = false;
  #event = '';
  #data: Buffer[] = [];
  /** Held of the event that is being read. */
  #bytes = 0;

  /** `bytesMax`: of one event; a longer one is not held. */
  constructor(bytesMax = EVENT_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** The events that these bytes end. Throws where one is too long. */
  push(bytes: Buffer): readonly ServerEvent[] {
    const events: ServerEvent[] = [];
    let at = this.#mayFeedFollow && bytes[0] === LINE_FEED ? 1 : 0;
    if (bytes.length > 0) this.#mayFeedFollow = false;
    let feed = indexOf(bytes, LINE_FEED, at);
    let carriage = indexOf(bytes, CARRIAGE_RETURN, at);
    while (at < bytes.length) {
      const end = Math.min(feed, carriage, bytes.length);
      this.#hold(bytes.subarray(at, end));
      if (end === bytes.length) break;
      const event = this.#endLine();
      if (event !== undefined) events.push(event);
      this.#mayFeedFollow = end === carriage && end + 1 === bytes.length;
      at = end === carriage && bytes[end + 1] === LINE_FEED ? end + 2 : end + 1;
      if (feed < at) feed = indexOf(bytes, LINE_FEED, at);
      if (carriage < at) carriage = indexOf(bytes, CARRIAGE_RETURN, at);
    }
    return events;
  }

  #hold(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#bytesMax) {
      throw new BodyFault('body_too_large', `an event of more than ${this.#bytesMax} bytes`);
    }
    if (piece.length > 0) this.#line.push(piece);
  }

  #endLine(): ServerEvent | undefined {
    const [first = Buffer.alloc(0), ...more] = this.#line;
    this.#line = [];
    const line = more.length === 0 ? first : Buffer.concat([first, ...more]);
    if (line.length === 0) return this.#endEvent();
    const colon = line.indexOf(COLON);
    const field = line.toString('utf8', 0, colon < 0 ? line.length : colon);
    const value = colon < 0 ? line.subarray(line.length) : line.subarray(colon + 1);
    const text = value[0] === SPACE ? value.subarray(1) : value;
    if (field === 'event') this.#event = text.toString();
    if (field === 'data') this.#data.push(text);
    return undefined;
  }

  #endEvent(): ServerEvent | undefined {
    const [event, data] = [this.#event || 'message', this.#data];
    this.#event = '';
    this.#data = [];
    this.#bytes = 0;
    const [only] = data;
    if (only === undefined) return undefined;
    return { event, data: data.length === 1 ? only : joinLines(data) };
  }
}

/** Infinity where it is not there. */
function indexOf(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? Infinity : at;
}

function joinLines(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [NEW_LINE, line])));
}
