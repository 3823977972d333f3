// Random walks over origins in trouble and in calm, by HTTP/1 and by HTTP/2: SEED repeats their choices.
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { lengthOf } from '../fakes/length.js';
import { Dice } from '../walk/dice.js';
import { startH2Ground, startRawGround } from '../walk/ground.js';
import { walk } from '../walk/walk.js';

/** What has begun by then is finished: the end of a trouble, and the calm after it. WALK_S takes another length. */
const WALK_S = lengthOf({ suite: 20, soak: 3_600 });

const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
const forMs = Number(process.env['WALK_S'] ?? WALK_S) * 1_000;

describe(
  `whatever an origin does, the process lives and serves what is right, SEED=${seed}`,
  {
    concurrency: 2,
  },
  () => {
    for (const [name, start] of [
      ['HTTP/1 on raw sockets', startRawGround],
      ['HTTP/2 over TLS', startH2Ground],
    ] as const) {
      it(name, async (t) => {
        const dice = new Dice(seed).of(name);
        const ground = await start(dice.of('origin'));
        t.after(() => ground.close());
        const report = await walk(t, ground, dice.of('walk'), forMs);
        t.diagnostic(JSON.stringify(report));
      });
    }
  },
);
