// Reads server-sent events as the HTML standard says, from pieces cut anywhere.

export interface SeenEvent {
  readonly event: string;
  readonly data: string;
  /** The last id so far. */
  readonly id: string;
}

export class EventReader {
  readonly events: SeenEvent[] = [];
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id = '';

  /** `text`: whole characters. */
  push(text: string): void {
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    if (line === '') {
      if (this.#data.length > 0)
        this.events.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id });
      this.#event = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
    if (field === 'id') this.#id = value;
  }
}
