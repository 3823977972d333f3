// Streams of specs as server-sent events keep to what every stream of specs does.
import { streamContract } from '../../../contracts/stream-contract.js';
import { EventStreamHarness } from '../../../fakes/event-stream-harness.js';

streamContract('a stream of server-sent events', () => EventStreamHarness.create());
