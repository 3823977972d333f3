// Origins, and gateways before them, that close the connection at the end of a large body: every client gets it whole.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startRawOrigin, type Plan } from '../fakes/raw-origin.js';
import { contentsOf, everyClient } from './every-client.js';

const CONTENTS = contentsOf(400_000);
const ROUNDS = 3;

/** None of these may cost an answer. */
const CLOSING: Readonly<Record<string, Partial<Plan>>> = {
  'HTTP/1.0 with content-length': { version: '1.0', framing: 'length', ending: 'close' },
  'HTTP/1.0 without content-length': { version: '1.0', framing: 'end', ending: 'close' },
  'connection: close with content-length': { saysClose: true, framing: 'length', ending: 'close' },
  'connection: close without content-length': { saysClose: true, framing: 'end', ending: 'close' },
  'connection: close, in chunks': { saysClose: true, framing: 'chunked', ending: 'close' },
  'no word of it, without content-length': { framing: 'end', ending: 'close' },
  'its own side of it only': { version: '1.0', framing: 'end', ending: 'half-close' },
};

/**
 * Of both, the connection's end comes while the client still has a body to take: all at once, or in pieces of which two do not
 * fit into what Node keeps of a stream (16 KiB on Node 20, 64 KiB from Node 22 on).
 */
const PACES: readonly Partial<Plan>[] = [{}, { pieceBytes: 40_000, pauseMs: 1 }];

describe('an origin that closes the connection at the end of a large body', () => {
  for (const [name, plan] of Object.entries(CLOSING)) {
    it(name, async (t) => {
      const origin = await startRawOrigin(CONTENTS.site);
      t.after(() => origin.close());
      for (const pace of PACES) {
        origin.plan = () => ({ ...plan, ...pace });
        for (const slowMs of [0, 5]) {
          const clients = everyClient(t, origin.url, CONTENTS, { slowMs });
          for (let round = 0; round < ROUNDS; round += 1) {
            const came = await Promise.all(clients.map((client) => client.ask()));
            assert.deepEqual(
              came,
              clients.map(() => 'right'),
            );
          }
        }
      }
    });
  }

  it('no word of it, with content-length: only a request that is sent in that moment is lost', async (t) => {
    const origin = await startRawOrigin(CONTENTS.site);
    t.after(() => origin.close());
    origin.plan = () => ({ framing: 'length', ending: 'close' });
    const clients = everyClient(t, origin.url, CONTENTS, { slowMs: 5 });
    for (let round = 0; round < ROUNDS; round += 1) {
      const came = await Promise.all(clients.map((client) => client.ask()));
      for (const each of came) assert.ok(each === 'right' || each === 'connection_lost', each);
    }
  });
});
