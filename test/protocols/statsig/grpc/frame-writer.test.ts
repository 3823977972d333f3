// The one private member of grpc-js we reach for: found in the release that is installed, and done without where it is not.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Server, ServerCredentials, status, type ServerWritableStream } from '@grpc/grpc-js';
import { createFrameWriter, type FrameWriter } from '../../../../src/protocols/statsig/grpc/frame-writer.js';
import { http2StreamOf } from '../../../../src/servers/grpc/http2-stream.js';
import { loadConfigSpecService } from '../../../../src/protocols/statsig/grpc/config-spec-proto.js';
import { eventually } from '../../../e2e/deadline.js';
import { GrpcClient } from '../../../fakes/grpc-client.js';
import { RawClient, type RawStream } from '../../../fakes/grpc-raw-client.js';

type Call = ServerWritableStream<unknown, Buffer>;

/** A server whose StreamConfigSpec is this; gives its address. */
async function serve(t: TestContext, handler: (call: Call) => void): Promise<string> {
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  server.addService(loadConfigSpecService(), {
    StreamConfigSpec: (call: Call) => {
      call.on('error', () => undefined);
      handler(call);
    },
  });
  t.after(() => {
    server.forceShutdown();
  });
  return await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(`127.0.0.1:${port}`);
      else reject(error);
    });
  });
}

/** The same call, as a release of grpc-js would give it that keeps its HTTP/2 stream to itself. */
function withoutPrivateMember(call: Call): Call {
  return new Proxy(call, {
    get: (target, name) => {
      if (name === 'call') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A ConfigSpecResponse with this text, as it is on the wire. */
function frameOf(spec: string): Buffer {
  const text = Buffer.from(spec);
  const length: number[] = [];
  let rest = text.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  const message = Buffer.concat([Buffer.from([0x0a, ...length, rest]), text]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe('http2StreamOf', () => {
  it('finds the HTTP/2 stream under a call of the installed grpc-js', async (t) => {
    const found: unknown[] = [];
    const address = await serve(t, (call) => {
      found.push(http2StreamOf(call)?.id, http2StreamOf(withoutPrivateMember(call)));
      call.end();
    });
    const client = new GrpcClient(address);
    t.after(() => {
      client.close();
    });
    assert.equal((await client.stream({}).end()).code, status.OK);
    assert.deepEqual(found, [1, undefined]);
  });

  it('finds nothing in what is no such call', () => {
    for (const call of [
      {},
      { call: null },
      { call: {} },
      { call: { stream: null } },
      { call: { stream: {} } },
    ]) {
      assert.equal(http2StreamOf(call), undefined);
    }
  });
});

for (const [name, prepare] of [
  ['on the HTTP/2 stream', (call: Call) => call],
  ['by grpc-js, where that shows no HTTP/2 stream', withoutPrivateMember],
] as const) {
  describe(`a frame writer that writes ${name}`, () => {
    it('sends frames whole and in order, tells of progress, and leaves the end to grpc-js', async (t) => {
      const specs = ['', 'a', 'x'.repeat(300_000), 'y'.repeat(5_000_000), 'z'];
      const progress: string[] = [];
      const address = await serve(t, (call) => {
        call.sendMetadata(call.metadata);
        const writer = createFrameWriter(prepare(call));
        const next = (index: number): void => {
          const spec = specs[index];
          if (spec === undefined) {
            call.emit('error', { code: status.UNAVAILABLE, details: 'that was all' });
            return;
          }
          const took = (): void => void progress.push(`took of ${index}`);
          writer.write(frameOf(spec), took, () => {
            progress.push(`done ${index}`);
            next(index + 1);
          });
        };
        next(0);
      });
      const client = new GrpcClient(address);
      t.after(() => {
        client.close();
      });
      const stream = client.stream({});
      const { code, details } = await stream.end();
      assert.deepEqual([code, details], [status.UNAVAILABLE, 'that was all']);
      assert.deepEqual(
        stream.messages.map(({ spec }) => spec.length),
        specs.map(({ length }) => length),
      );
      assert.equal(stream.messages[3]?.spec, specs[3]);
      specs.forEach((_spec, index) => {
        assert.ok(progress.includes(`took of ${index}`), `no progress of ${index}`);
        assert.equal(progress.filter((entry) => entry === `done ${index}`).length, 1);
        assert.ok(progress.lastIndexOf(`took of ${index}`) < progress.indexOf(`done ${index}`));
      });
    });
  });
}

describe('how much a frame writer hands over at a time', () => {
  for (const [windowBytes, sliceBytes] of [
    [65_535, 65_535],
    [131_072, 131_072],
    [2 * 1024 * 1024, 262_144],
  ] as const) {
    it(`is ${sliceBytes} bytes to a client with a window of ${windowBytes} bytes`, async (t) => {
      const frame = frameOf('x'.repeat(600_000));
      let took = 0;
      let isDone = false;
      const address = await serve(t, (call) => {
        call.sendMetadata(call.metadata);
        createFrameWriter(call).write(
          frame,
          () => (took += 1),
          () => (isDone = true),
        );
      });
      const client = new RawClient(address, windowBytes);
      t.after(() => client.close());
      client.stream({}).readOn();
      await eventually('the last slice', () => isDone);
      assert.equal(took, Math.ceil(frame.length / sliceBytes));
    });
  }
});

describe('breaking a stream off', () => {
  it('ends it at once on the HTTP/2 stream, though its client reads nothing', async (t) => {
    const stuck = await openStuck(t, (call) => call);
    stuck.writer.breakOff();
    await eventually('end of the call', () => stuck.ends.length > 0);
    stuck.stream.readOn();
    await eventually('end of the stream at the client', () => stuck.stream.isClosed);
    assert.deepEqual(stuck.ends, ['cancelled']);
    assert.deepEqual(stuck.stream.versions, []);
  });

  it('ends it no later than when its client reads again, where grpc-js shows no HTTP/2 stream', async (t) => {
    const stuck = await openStuck(t, withoutPrivateMember);
    stuck.writer.breakOff();
    stuck.stream.readOn();
    await eventually('end of the stream at the client', () => stuck.stream.isClosed);
    await eventually('end of the call', () => stuck.ends.includes('cancelled'));
  });
});

/** A stream whose client has begun to read a large frame, and then stopped. */
async function openStuck(
  t: TestContext,
  prepare: (call: Call) => Call,
): Promise<{ readonly writer: FrameWriter; readonly stream: RawStream; readonly ends: readonly string[] }> {
  const writers: FrameWriter[] = [];
  const ends: string[] = [];
  const address = await serve(t, (call) => {
    call.sendMetadata(call.metadata);
    call.once('cancelled', () => ends.push('cancelled'));
    const writer = createFrameWriter(prepare(call));
    writers.push(writer);
    writer.write(
      frameOf('x'.repeat(5_000_000)),
      () => undefined,
      () => ends.push('done'),
    );
  });
  const client = new RawClient(address);
  t.after(() => client.close());
  const stream = client.stream({});
  await stream.readSome(1);
  const [writer] = writers;
  if (writer === undefined) throw new Error('the stream began without a writer');
  return { writer, stream, ends };
}
