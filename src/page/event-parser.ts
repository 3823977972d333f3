// Server-sent events out of pieces of text, as the HTML standard has them: EventSource cannot send a token.

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** Far above what the proxy sends: a stream without line ends is not one of ours. */
const WAITING_CHARACTERS_MAX = 1_000_000;

export class EventParser {
  /** Of the newest event that has one. */
  lastEventId = '';
  #waiting = '';
  #name = '';
  #data: string[] = [];

  /** The events that this piece completes. Throws where it cannot be a stream of events. */
  take(text: string): ServerEvent[] {
    const lines = (this.#waiting + text).split(/\r\n|\n/);
    this.#waiting = lines.pop() ?? '';
    if (this.#waiting.length > WAITING_CHARACTERS_MAX)
      throw new Error('a line of the event stream has no end');
    return lines.flatMap((line) => this.#takeLine(line) ?? []);
  }

  #takeLine(line: string): ServerEvent | undefined {
    if (line === '') return this.#complete();
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.lastEventId = value;
    return undefined;
  }

  #complete(): ServerEvent | undefined {
    const [name, data] = [this.#name, this.#data];
    this.#name = '';
    this.#data = [];
    return data.length === 0 ? undefined : { name: name === '' ? 'message' : name, data: data.join('\n') };
  }
}
