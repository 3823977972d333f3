// The wire under a stream of specs as server-sent events: the frames of each message, and of the stream's end.
import type { HeldPayload } from '../../../core/payload-store.js';
import { ownBytes } from '../../../domain/own-copy.js';
import { eventFrame, type EventStream } from '../../../servers/http/event-stream.js';
import type { StreamSink } from '../../../streams/client-stream.js';
import { STREAM_ENDINGS } from '../stream-endings.js';

/** The first message of a stream, and what follows it. */
export type SentMessage = 'first' | 'update' | 'heartbeat';

export interface SpecEventOptions {
  /** Events say which version there is, and leave the spec itself out. */
  readonly isNotice: boolean;
  /** A message was taken whole by the client. `version`: of the spec in it, if there is one. */
  readonly sent: (what: SentMessage, version: number | undefined) => void;
}

export function createSpecEvents(stream: EventStream, { isNotice, sent }: SpecEventOptions): StreamSink {
  /** What is to be sent of the spec; the version's own buffer, shared by all streams. */
  let ready: Buffer = Buffer.alloc(0);
  let hasSpec = false;
  let isFirst = true;
  return {
    prepare: async (held) => {
      if (!isNotice) ready = await specLines(held);
    },
    send: (message, took, done) => {
      const isSpec = message.kind === 'spec';
      const version = isSpec ? message.held.payload.version : message.version;
      const event = isSpec ? (hasSpec ? 'update' : 'init') : 'heartbeat';
      const lines = ready;
      ready = Buffer.alloc(0);
      hasSpec ||= isSpec;
      const taken = (): void => {
        const what = isSpec ? 'update' : 'heartbeat';
        sent(isFirst ? 'first' : what, isSpec && !isNotice ? version : undefined);
        isFirst = false;
        done();
      };
      if (!isSpec || isNotice) {
        stream.write(eventFrame(event, `{"lcut":${version}}`, version), took, taken);
        return;
      }
      stream.write(Buffer.from(`event: ${event}\n`), took, () => {
        stream.write(lines, took, taken);
      });
    },
    end: (why) => {
      if (why === 'stalled') stream.breakOff();
      else stream.end(endFrame(why, STREAM_ENDINGS[why]));
    },
  };
}

/** The last frame of a stream: its status was sent long ago. */
export function endFrame(reason: string, message: string): Buffer {
  return eventFrame('end', JSON.stringify({ reason, message }));
}

const LINE_ENDS = [0x0a, 0x0d] as const;
const SPACE = 0x20;

/**
 * All of a frame but its first line: made once per version, whoever it is sent to. A line break would end the data; in JSON it
 * stands between tokens only, where a space does as well.
 */
function specLines(held: HeldPayload): Promise<Buffer> {
  return held.forms.wrap('events', (pieces) => {
    const before = Buffer.from(`id: ${held.payload.version}\ndata: `);
    const frame = ownBytes([before, ...pieces, Buffer.from('\n\n')]);
    const data = frame.subarray(before.length, -2);
    for (const lineEnd of LINE_ENDS) {
      for (let at = data.indexOf(lineEnd); at >= 0; at = data.indexOf(lineEnd, at + 1)) data[at] = SPACE;
    }
    return frame;
  });
}
