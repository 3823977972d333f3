// The thread that evaluates one gate on one spec, and ends: Statsig's SDK and the parsed spec are gone with it.
import { parentPort, workerData } from 'node:worker_threads';
import { evaluateGate, type GateQuestion } from './evaluate-gate.js';

export type GateVerdict = { readonly isOpen: boolean } | { readonly fault: string };

parentPort?.postMessage(
  await evaluateGate(workerData as GateQuestion).then(
    (isOpen): GateVerdict => ({ isOpen }),
    (error: unknown): GateVerdict => ({ fault: String(error) }),
  ),
);
