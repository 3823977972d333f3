// A fault of ours while a call is served: the client gets a status, the log gets the stack, and the process goes on.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { SpecFrames } from '../../../../src/protocols/statsig/grpc/grpc-sink.js';
import { ClientCensus } from '../../../../src/protocols/statsig/clients/client-census.js';
import { ConfigSpecService } from '../../../../src/protocols/statsig/grpc/config-spec-service.js';
import { ClientConnections } from '../../../../src/servers/http2/client-connections.js';
import { status } from '../../../../src/servers/grpc/grpc-values.js';
import { LimitReports } from '../../../../src/servers/http2/limit-reports.js';
import { StreamRegistry } from '../../../../src/streams/stream-registry.js';
import { createTestLog, LogSink } from '../../../fakes/log-sink.js';
import { noProxyEvents } from '../../../fakes/proxy-events.js';
import { ManualClock, settle } from '../../../fakes/manual-clock.js';

class FakeCall extends EventEmitter {
  readonly request = { sdkKey: 'secret-0123456789abcdef', sinceTime: 0 };
  sendMetadata(): void {
    // Headers are of no interest here.
  }
}

for (const method of ['getConfigSpec', 'StreamConfigSpec']) {
  test(`${method}: a source that throws ends the call with UNAVAILABLE and is logged`, async () => {
    const [clock, sink] = [new ManualClock(), new LogSink()];
    const log = createTestLog(sink);
    const service = new ConfigSpecService(
      clock,
      log,
      noProxyEvents,
      {
        source: {
          read: () => Promise.reject(new Error('a fault of ours')),
          subscribe: () => () => undefined,
          keepWhileStreamed: () => () => undefined,
        },
        registry: new StreamRegistry(clock, { streamsMax: 10 }),
        frames: new SpecFrames(log),
        connections: new ClientConnections(clock, new LimitReports(clock, log, 'gRPC'), { callsAtOnce: 10 }),
        census: new ClientCensus(clock, noProxyEvents),
      },
      { heartbeatMs: 30_000, stallMs: 30_000, instanceName: 'test' },
    );
    const call = new FakeCall();
    const refused = new Promise<{ readonly code: number }>((resolve) => call.once('error', resolve));
    const handle = service.handlers[method] as (call: unknown) => void;
    handle(call);
    assert.equal((await refused).code, status.UNAVAILABLE);
    await settle();
    assert.equal(sink.withMessage('unexpected error in background work').length, 1);
  });
}
