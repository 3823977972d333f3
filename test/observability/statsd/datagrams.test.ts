// Datagrams to receivers that refuse, stall or cannot be found: bounded, tried again, told of once, and over in time at the end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import {
  DatagramStream,
  type DatagramOptions,
  type DatagramSender,
} from '../../../src/observability/statsd/datagrams.js';
import { UdpSender, type Lookup } from '../../../src/observability/statsd/udp-sender.js';
import { openUnixSender } from '../../../src/observability/statsd/unix-sender.js';
import { systemClock } from '../../../src/domain/clock.js';
import { eventually } from '../../e2e/deadline.js';
import { receiveUdp } from '../../fakes/datagram-receiver.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { makeTemporaryFolder } from '../../fakes/temporary-folder.js';

type Done = (error?: Error) => void;

class ScriptedSender implements DatagramSender {
  readonly sent: { readonly text: string; readonly done: Done }[] = [];
  isClosed = false;

  send(datagram: Buffer, done: Done): void {
    this.sent.push({ text: datagram.toString(), done });
  }

  close(): void {
    this.isClosed = true;
  }
}

interface Bench {
  readonly clock: ManualClock;
  readonly sender: ScriptedSender;
  readonly stream: DatagramStream;
  readonly told: string[];
}

function createBench(options: Partial<DatagramOptions> = {}): Bench {
  const [clock, sender, told] = [new ManualClock(), new ScriptedSender(), [] as string[]];
  const stream = new DatagramStream(
    clock,
    sender,
    { retriesMax: 0, firstRetryMs: 10, ...options },
    {
      failed: (error) => told.push(error.message),
      worked: () => told.push('works'),
    },
  );
  return { clock, sender, stream, told };
}

describe('a stream of datagrams', () => {
  it('tells of a fault once, counts the lines of what it gives up, and tells when it is over', () => {
    const { sender, stream, told } = createBench();
    for (let index = 0; index < 3; index += 1) {
      stream.write('a:1|c\nb:1|c\n');
      sender.sent[index]?.done(new Error('refused'));
    }
    assert.deepEqual(told, ['refused']);
    assert.equal(stream.droppedLines, 6);
    stream.write('c:1|c\n');
    sender.sent[3]?.done();
    assert.deepEqual(told, ['refused', 'works']);
    assert.equal(stream.droppedLines, 6);
  });

  it('tries again, after pauses that double, and says nothing where that helps', () => {
    const { clock, sender, stream, told } = createBench({ retriesMax: 2 });
    stream.write('a:1|c\n');
    sender.sent[0]?.done(new Error('refused'));
    clock.advance(9);
    assert.equal(sender.sent.length, 1);
    clock.advance(1);
    assert.equal(sender.sent.length, 2);
    sender.sent[1]?.done(new Error('refused'));
    clock.advance(19);
    assert.equal(sender.sent.length, 2);
    clock.advance(1);
    sender.sent[2]?.done();
    assert.deepEqual([told, stream.droppedLines], [[], 0]);
  });

  it('drops what comes while a receiver stalls, beyond a bound', () => {
    const { sender, stream, told } = createBench();
    for (let index = 0; index < 10_000; index += 1) stream.write('a:1|c\n');
    assert.equal(sender.sent.length, 64);
    assert.equal(stream.droppedLines, 10_000 - 64);
    assert.equal(stream.writableLength, 0);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /more slowly than they come/);
    for (const { done } of [...sender.sent]) done();
    stream.write('a:1|c\n');
    assert.equal(sender.sent.length, 65);
  });

  it('ends when what waits is sent, or after 200 ms', async () => {
    for (const isTaken of [true, false]) {
      const { clock, sender, stream } = createBench();
      stream.write('a:1|c\n');
      stream.destroy();
      assert.equal(sender.isClosed, false);
      const closed = once(stream, 'close');
      if (isTaken) sender.sent[0]?.done();
      else clock.advance(200);
      assert.equal(sender.isClosed, true);
      await closed;
    }
  });
});

describe('a sender over UDP', () => {
  it('asks for the address once while that hangs, keeps it, and asks again later', async () => {
    const receiver = await receiveUdp();
    const clock = new ManualClock();
    const asked: Parameters<Lookup>[1][] = [];
    const sender = new UdpSender(clock, { host: 'statsd.example', port: receiver.port }, (_host, done) => {
      asked.push(done);
    });
    const faults: (string | undefined)[] = [];
    const send = (): void => {
      sender.send(Buffer.from('a:1|c\n'), (error) => faults.push(error?.message));
    };
    for (let index = 0; index < 1_000; index += 1) send();
    assert.equal(asked.length, 1);
    assert.equal(faults.length, 1_000);
    asked[0]?.(new Error('ENOTFOUND'), { address: '', family: 0 });
    send();
    assert.equal(faults.at(-1), 'ENOTFOUND');
    assert.equal(asked.length, 1, 'not before a second is over');
    clock.advance(1_000);
    send();
    assert.equal(asked.length, 2);
    asked[1]?.(null, { address: '127.0.0.1', family: 4 });
    send();
    await eventually('the first datagram', () => receiver.lines.length === 1);
    clock.advance(30_000);
    send();
    assert.equal(asked.length, 3);
    asked[2]?.(new Error('EAI_AGAIN'), { address: '', family: 0 });
    send();
    await eventually('datagrams to the address that is known', () => receiver.lines.length === 3);
    sender.close();
    send();
    assert.equal(faults.at(-1), 'the socket is closed');
    await receiver.close();
  });

  it('knows IPv6', async () => {
    const receiver = await receiveUdp(0, '::1');
    const sender = new UdpSender(systemClock, { host: '::1', port: receiver.port });
    await eventually('a datagram', () => {
      sender.send(Buffer.from('a:1|c\n'), () => undefined);
      return receiver.lines.length > 0;
    });
    sender.close();
    await receiver.close();
  });
});

describe('a sender over a Unix socket', () => {
  it('says that nobody is there, and that it is closed', async () => {
    const sender = await openUnixSender(`${makeTemporaryFolder('statsd')}/none`);
    const fault = (): Promise<string | undefined> =>
      new Promise((resolve) => {
        sender.send(Buffer.from('a:1|c\n'), (error) => {
          resolve(error?.message);
        });
      });
    assert.match((await fault()) ?? '', /No such file/);
    sender.close();
    assert.equal(await fault(), 'the socket is closed');
  });
});
