// Reads server-sent events from the pieces of an answer's body, cut anywhere (HTML standard, 9.2.6).
import { StringDecoder } from 'node:string_decoder';

export interface ServerEvent {
  /** `message` where none is named. */
  readonly event: string;
  readonly data: string;
}

/** More than that of one event is held by no reader of ours. */
export const EVENT_CHARACTERS_MAX = 65_536;

export class EventReader {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #event = '';
  #data: string[] = [];
  #characters = 0;

  /** The events that these bytes end. Throws where one is too long. */
  push(bytes: Buffer): readonly ServerEvent[] {
    const text = this.#rest + this.#decoder.write(bytes);
    // A line feed may follow with the next piece.
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|[\r\n]/);
    this.#rest = (lines.pop() ?? '') + text.slice(whole.length);
    const events = lines.flatMap((line) => this.#take(line) ?? []);
    if (this.#characters + this.#rest.length > EVENT_CHARACTERS_MAX)
      throw new Error(`an event of more than ${EVENT_CHARACTERS_MAX} characters`);
    return events;
  }

  #take(line: string): ServerEvent | undefined {
    if (line === '') return this.#end();
    this.#characters += line.length;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
    return undefined;
  }

  #end(): ServerEvent | undefined {
    const [event, data] = [this.#event || 'message', this.#data];
    this.#event = '';
    this.#data = [];
    this.#characters = 0;
    return data.length === 0 ? undefined : { event, data: data.join('\n') };
  }
}
