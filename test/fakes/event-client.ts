// A client of a stream of server-sent events, over HTTP/1.1.
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { eventually, within } from '../e2e/deadline.js';
import { EventReader, type SeenEvent } from './event-reader.js';

export class EventClient {
  readonly #reader = new EventReader();
  readonly answer: Promise<IncomingMessage>;
  hasEnded = false;
  readonly #request;

  constructor(url: string, headers: OutgoingHttpHeaders = {}) {
    this.#request = request(url, { agent: false, headers });
    this.answer = new Promise((resolve, reject) => {
      this.#request.once('response', (answer: IncomingMessage) => {
        answer.setEncoding('utf8').on('data', (text: string) => {
          this.#reader.push(text);
        });
        answer.once('close', () => (this.hasEnded = true));
        answer.on('error', () => undefined);
        resolve(answer);
      });
      this.#request.on('error', reject);
    });
    this.answer.catch(() => undefined);
    this.#request.end();
  }

  get events(): readonly SeenEvent[] {
    return this.#reader.events;
  }

  /** The event of this number, from 1. */
  async received(count: number): Promise<SeenEvent> {
    await within(this.answer, 'head of the answer');
    await eventually(`${count} events`, () => this.events.length >= count);
    return this.events[count - 1] as SeenEvent;
  }

  async end(): Promise<SeenEvent | undefined> {
    await eventually('end of the stream', () => this.hasEnded);
    return this.events.at(-1);
  }

  close(): void {
    this.#request.destroy();
  }
}
