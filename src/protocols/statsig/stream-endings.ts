// Why a stream of specs ends, in words for the person who reads an SDK's log; the same over every wire.
import type { StreamEnd } from '../../streams/client-stream.js';

export const STREAM_ENDINGS: Readonly<Record<StreamEnd, string>> = {
  refused: 'The origin refuses this SDK key by now, or it is not pinned any more.',
  draining: 'This replica is shutting down: connect again.',
  displaced: 'Every place is taken, and this one was needed for another client: connect again.',
  stalled: 'Nothing was read for too long: connect again.',
  failed: 'A fault of this proxy: its log says more. Connect again.',
};
