// Client connections by server: as many as asked for, or an even part of what the process may open.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shareConnections, type ConnectionsByServer } from '../../src/app/connection-shares.js';

function share(
  openFilesMax: number,
  asked: ConnectionsByServer,
  memoryBytesMax = Infinity,
): ConnectionsByServer {
  return shareConnections({ openFilesMax, memoryBytesMax }, asked);
}

const ASKED = { http: 20_000, grpc: 1_000, admin: 100 };

test('where there is no limit, or a high one, each server gets what was asked for', () => {
  assert.deepEqual(share(Infinity, ASKED), ASKED);
  assert.deepEqual(share(1_048_576, ASKED), ASKED);
});

test('few descriptors are shared evenly, and a part is left for the rest of the process', () => {
  assert.deepEqual(share(1_024, ASKED), { http: 334, grpc: 334, admin: 100 });
  assert.deepEqual(share(1_024, { http: 20_000, admin: 100 }), { http: 668, admin: 100 });
  assert.deepEqual(share(256, ASKED), { http: 64, grpc: 64, admin: 64 });
});

test('little memory is shared in the same way: a quarter of it may go to connections', () => {
  const mib = 1024 * 1024;
  assert.deepEqual(share(1_048_576, ASKED, 4_096 * mib), ASKED);
  assert.deepEqual(share(1_048_576, ASKED, 80 * mib), { http: 462, grpc: 462, admin: 100 });
  assert.deepEqual(share(256, ASKED, 80 * mib), { http: 64, grpc: 64, admin: 64 });
});

test('shares leave the reserve untouched, give nobody more than asked for, and everybody something', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 100_000 }),
      fc.record({
        http: fc.integer({ min: 1, max: 50_000 }),
        grpc: fc.integer({ min: 1, max: 50_000 }),
        admin: fc.integer({ min: 1, max: 200 }),
      }),
      (openFilesMax, asked) => {
        const shares = share(openFilesMax, asked);
        const { http = 0, grpc = 0, admin = 0 } = shares;
        assert.ok(http + grpc + admin <= openFilesMax - Math.min(256, openFilesMax / 4));
        assert.ok(http >= 1 && grpc >= 1 && admin >= 1);
        assert.ok(http <= asked.http && grpc <= asked.grpc && admin <= asked.admin);
      },
    ),
  );
});
