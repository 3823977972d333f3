// The wire under a stream of a project: all configs first, then each one that changed, in the words of Replane's server.
import type { HeldPayload } from '../../../core/payload-store.js';
import type { EventStream } from '../../../servers/http/event-stream.js';
import type { StreamSink } from '../../../streams/client-stream.js';
import { changesSince, marksOf, type SentMarks } from '../project/changed-configs.js';
import { initFrame, PING } from '../project/frames.js';
import { projectOf } from '../project/project.js';

/** The first message of a stream, and what follows it. */
export type SentMessage = 'first' | 'update' | 'heartbeat';

/** `sent`: the client took a message whole. */
export type ProjectWire = Pick<EventStream, 'writeFrames' | 'breakOff'>;

export function createProjectEvents(stream: ProjectWire, sent: (what: SentMessage) => void): StreamSink {
  /** What the client was sent; undefined before its first message. */
  let marks: SentMarks | undefined;
  /** The first message; the version's own buffer, shared by all streams. */
  let first: Buffer | undefined;

  function framesOf(held: HeldPayload): readonly Buffer[] {
    const frames =
      marks === undefined && first !== undefined ? [first] : changesSince(marks ?? new Map(), held.payload);
    first = undefined;
    marks = marksOf(held.payload);
    return frames;
  }

  return {
    prepare: (held) => {
      if (marks !== undefined) return undefined;
      return held.forms
        .wrap('replane', () => initFrame(projectOf(held.payload).list))
        .then((frame) => {
          first = frame;
        });
    },
    send: (message, _took, done) => {
      const what = message.kind === 'no-updates' ? 'heartbeat' : marks === undefined ? 'first' : 'update';
      const frames = message.kind === 'no-updates' ? [PING] : framesOf(message.held);
      stream.writeFrames(frames, () => {
        if (frames.length > 0) sent(what);
        done();
      });
    },
    // Never a clean end: SDKs come back from one at once and without a pause, hundreds of times a second.
    end: () => {
      stream.breakOff();
    },
  };
}
