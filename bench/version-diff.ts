// What it takes to compare two versions of a spec of 10 MB, in JSON and in protobuf: time, memory, and what the event loop notices.
import { systemClock } from '../src/domain/clock.js';
import { ThreadedDiffer } from '../src/protocols/statsig/spec-diff/threaded-differ.js';
import { DEMO } from '../test/fakes/demo-payloads.js';

const TIME = 1_700_000_000_000;
const BODY_BYTES = 10_000_000;
const PROBE_GATES = 500;
const LOOK_EVERY_MS = 5;

export async function versionDiff(): Promise<void> {
  const differ = new ThreadedDiffer(systemClock, (error) => {
    console.error(error);
  });
  for (const [name, demo] of [
    ['JSON, v1', DEMO.v1Json],
    ['JSON, v2', DEMO.v2Json],
    ['protobuf', DEMO.protobuf],
  ] as const) {
    const bytesPerGate = demo.payloadOf(TIME, PROBE_GATES).identityBytes / PROBE_GATES;
    const gates = Math.floor(BODY_BYTES / bytesPerGate);
    const [before, after] = [demo.payloadOf(TIME, gates), demo.payloadOf(TIME + 1, Math.floor(gates / 2))];
    const beforeBytes = process.memoryUsage.rss();
    let [mostBytes, latestMs, longestMs] = [0, performance.now(), 0];
    const look = setInterval(() => {
      mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - latestMs - LOOK_EVERY_MS);
      latestMs = nowMs;
    }, LOOK_EVERY_MS);
    const startMs = performance.now();
    const differing = await differ.compare(before, after);
    const tookMs = performance.now() - startMs;
    clearInterval(look);
    const answer = differing.kind === 'diff' ? JSON.stringify(differing.diff).length : 0;
    const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
    console.log(
      `${name}: ${mb(before.identityBytes)} against ${mb(after.identityBytes)}: ${differing.kind} in ${tookMs.toFixed(0)} ms, ` +
        `${mb(mostBytes - beforeBytes)} more memory, answer of ${mb(answer)}; the event loop late by ${longestMs.toFixed(1)} ms at most`,
    );
  }
}
