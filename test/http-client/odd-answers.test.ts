// Answers that no HTTP library would send: each client takes them whole or not at all, and never uses the connection of a lie again.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { HONEST, startRawOrigin, toWire, type Plan, type RawOrigin } from '../fakes/raw-origin.js';
import { contentsOf, everyClient, type AnyClient, type Came, type ClientHabits } from './every-client.js';

const CONTENTS = contentsOf(1_000);

interface Scene {
  readonly origin: RawOrigin;
  readonly clients: readonly AnyClient[];
}

async function startScene(t: TestContext, habits: ClientHabits = {}): Promise<Scene> {
  const origin = await startRawOrigin(CONTENTS.site);
  t.after(() => origin.close());
  return { origin, clients: everyClient(t, origin.url, CONTENTS, habits) };
}

/** What came of it, by the client's name; one after the other, each with a good answer before it. */
async function askedOf({ origin, clients }: Scene, plan: Partial<Plan>): Promise<Record<string, Came>> {
  const came: Record<string, Came> = {};
  for (const client of clients) {
    origin.plan = () => HONEST;
    assert.equal(await client.ask(), 'right', client.name);
    origin.plan = () => plan;
    came[client.name] = await client.ask();
  }
  return came;
}

const NAMES = ['v1', 'v2', 'protobuf', 'manifest', 'value', 'error page', 'file', 'events'];

function allOf(came: Came, changes: Readonly<Record<string, Came>> = {}): Record<string, Came> {
  return { ...Object.fromEntries(NAMES.map((name) => [name, came])), ...changes };
}

/** The status decides, whatever becomes of the rest. */
const BY_STATUS = { 'error page': 'right', events: 'right' } as const;

describe('an answer is taken whole', () => {
  const plans: Readonly<Record<string, Partial<Plan>>> = {
    'in chunks': { framing: 'chunked' },
    'in chunks of one byte': { framing: 'chunked', chunkBytes: 1 },
    'up to the end of the connection': { framing: 'end', ending: 'close' },
    'up to the end of the other side': { framing: 'end', ending: 'half-close' },
    'by HTTP/1.0 with its length': { version: '1.0', ending: 'close' },
    'by HTTP/1.0 without its length': { version: '1.0', framing: 'end', ending: 'close' },
    'after 103, 102 and 103': { informational: [103, 102, 103] },
    'before its request was read': { isEarly: true },
    'before its request was read, and the connection is closed': { isEarly: true, ending: 'close' },
    'at a creep': { pieceBytes: 100, pauseMs: 1 },
    'at a creep, in chunks': { framing: 'chunked', chunkBytes: 70, pieceBytes: 99, pauseMs: 1 },
  };
  for (const [name, plan] of Object.entries(plans)) {
    it(name, async (t) => {
      assert.deepEqual(await askedOf(await startScene(t), plan), allOf('right'));
    });
  }

  for (const framing of ['length', 'chunked'] as const) {
    it(`in two pieces that part at any byte of its heads and first chunks, ${framing}`, async (t) => {
      const { origin, clients } = await startScene(t);
      for (let splitAtByte = 1; splitAtByte < 500; splitAtByte += 1) {
        origin.plan = () => ({ framing, chunkBytes: 100, informational: [103], splitAtByte, pauseMs: 1 });
        const client = clients[splitAtByte % clients.length] ?? assert.fail();
        assert.equal(await client.ask(), 'right', `${client.name}, parted at ${splitAtByte}`);
      }
    });
  }
});

/** None of these may come of half an answer. */
const DISHONEST: readonly Came[] = ['wrong', 'part', 'unchanged', 'unauthorized', 'refused', 'rejected'];
const SAYS_LENGTH: readonly string[] = ['with its length', 'in chunks'];

describe('an answer that breaks off is a failure, at whatever byte', () => {
  const framings: Readonly<Record<string, Partial<Plan>>> = {
    'with its length': { framing: 'length' },
    'in chunks': { framing: 'chunked', chunkBytes: 100 },
    'in chunks, where it says close': { framing: 'chunked', chunkBytes: 100, saysClose: true },
    'up to the end of the connection': { framing: 'end' },
    'by HTTP/1.0': { version: '1.0', framing: 'end' },
  };
  for (const [name, framing] of Object.entries(framings)) {
    for (const ending of ['half-close', 'close', 'reset'] as const) {
      it(`${name}, by ${ending}`, async (t) => {
        const { origin, clients } = await startScene(t);
        for (const client of clients) {
          const wireBytes = wireBytesOf(origin, { ...HONEST, ...framing });
          for (const cutAtByte of cutsOf(wireBytes)) {
            origin.plan = () => ({ ...framing, cutAtByte, ending });
            const came = await client.ask();
            // Where nothing tells its length, the end of the connection is the end of a file.
            const isPart = client.name === 'file' && came === 'part' && !SAYS_LENGTH.includes(name);
            assert.ok(isPart || !DISHONEST.includes(came), `${client.name} at ${cutAtByte}: ${came}`);
          }
        }
      });
    }
  }

  it('by silence', async (t) => {
    const { origin, clients } = await startScene(t, { silenceMs: 500 });
    for (const cutAtByte of [0, 10, 300]) {
      origin.plan = () => ({ cutAtByte });
      const came = await Promise.all(clients.map(async (each) => [each.name, await each.ask()] as const));
      const expected = allOf(cutAtByte === 300 ? 'body_timeout' : 'headers_timeout');
      assert.deepEqual(Object.fromEntries(came), { ...expected, ...(cutAtByte === 300 && BY_STATUS) });
    }
  });
});

/** How long the last answer would have been. */
function wireBytesOf({ requests }: RawOrigin, plan: Plan): number {
  const last = requests.at(-1);
  return last === undefined ? 3_000 : toWire(CONTENTS.site(last), plan).bytes.length;
}

/** Some in the head, some in the body, and the last ones. */
function cutsOf(wireBytes: number): readonly number[] {
  const spread = Array.from({ length: 12 }, (_none, index) => Math.floor((index * wireBytes) / 12));
  return [...spread, 1, 16, ...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((left) => wireBytes - left)];
}

describe('after an answer with a wrong length, its connection is not used again', () => {
  const FAILED =
    /^(?:truncated|not_json|decoding_failed|bad_http|connection_lost|body_timeout|not_protobuf)$/;
  const plans: Readonly<Record<string, Partial<Plan>>> = {
    'a longer one, and the connection is closed': { lengthError: 100, ending: 'close' },
    'a longer one': { lengthError: 100 },
    'a shorter one': { lengthError: -100 },
    'no number': { lengthError: 'nonsense' },
    'of the last chunk, a longer one': { framing: 'chunked', lengthError: 100, ending: 'close' },
    'of the last chunk, one too long': { framing: 'chunked', lengthError: 1 },
    'of the last chunk, a shorter one': { framing: 'chunked', lengthError: -1 },
    'of the last chunk, no number': { framing: 'chunked', lengthError: 'nonsense' },
  };
  for (const [name, plan] of Object.entries(plans)) {
    it(name, async (t) => {
      const { origin, clients } = await startScene(t, { silenceMs: 500 });
      for (const client of clients) {
        origin.plan = () => plan;
        const came = await client.ask();
        // The beginning of a file is as good as a file that is behind; its length is what the manifest says.
        const isPart = client.name === 'file' && plan.lengthError === -100 && came === 'part';
        const isByStatus = client.name in BY_STATUS && came === 'right';
        assert.ok(FAILED.test(came) || isPart || isByStatus, `${client.name}: ${came}`);
        const lied = origin.requests.at(-1)?.connection;
        origin.plan = () => HONEST;
        assert.equal(await client.ask(), 'right', client.name);
        assert.notEqual(origin.requests.at(-1)?.connection, lied, client.name);
      }
    });
  }
});

describe('the second of two answers to one request is nobody’s', () => {
  for (const framing of ['length', 'chunked'] as const) {
    it(`one request after the other, ${framing}`, async (t) => {
      const { origin, clients } = await startScene(t);
      for (const client of clients) {
        origin.plan = () => ({ framing, copies: 2 });
        assert.equal(await client.ask(), 'right', client.name);
        const twice = origin.requests.at(-1)?.connection;
        origin.plan = () => HONEST;
        assert.equal(await client.ask(), 'right', client.name);
        assert.notEqual(origin.requests.at(-1)?.connection, twice, client.name);
      }
    });

    it(`many at one time, ${framing}`, async (t) => {
      const { origin, clients } = await startScene(t);
      origin.plan = () => ({ framing, copies: 2 });
      for (let round = 0; round < 20; round += 1) {
        const asked = [...clients, ...clients, ...clients];
        const came = await Promise.all(asked.map((client) => client.ask()));
        for (const each of came) assert.ok(each === 'right' || each === 'connection_lost', each);
      }
    });
  }
});
