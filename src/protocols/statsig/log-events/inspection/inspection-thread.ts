// The thread that looks into bodies: it knows the exposures that were sent, and nothing of this process besides.
import { parentPort, workerData } from 'node:worker_threads';
import { ExposureTable } from './exposure-table.js';
import { inspectBody } from './inspect-body.js';
import type { Inspection, InspectionRequest } from './inspection.js';

export interface ThreadOptions {
  readonly decodedBytesMax: number;
  /** 0: no exposure is left out. */
  readonly exposuresMax: number;
}

export type ToThread =
  | { readonly kind: 'inspect'; readonly id: number; readonly request: InspectionRequest }
  /** What became of a batch whose exposures are waiting to be remembered. */
  | { readonly kind: 'settle'; readonly id: number; readonly isKept: boolean; readonly nowMs: number };

export type FromThread =
  | {
      readonly kind: 'inspected';
      readonly id: number;
      readonly inspection: Inspection;
      /** Whether it waits to be settled. */
      readonly hasExposures: boolean;
    }
  | { readonly kind: 'remembered'; readonly exposures: number }
  | { readonly kind: 'forgotten'; readonly exposures: number };

function serve(options: ThreadOptions, tell: (message: FromThread) => void): (message: ToThread) => void {
  const table = new ExposureTable(options.exposuresMax, (exposures) => {
    tell({ kind: 'forgotten', exposures });
  });
  const isKnown = options.exposuresMax === 0 ? undefined : table.has.bind(table);
  const unsettled = new Map<number, readonly string[]>();
  return (message) => {
    if (message.kind === 'inspect') {
      const { inspection, exposures } = inspectBody(message.request, isKnown, options);
      const hasExposures = exposures.length > 0;
      if (hasExposures) unsettled.set(message.id, exposures);
      tell({ kind: 'inspected', id: message.id, inspection, hasExposures });
      return;
    }
    const exposures = unsettled.get(message.id);
    unsettled.delete(message.id);
    if (exposures === undefined || !message.isKept) return;
    table.add(exposures, message.nowMs);
    tell({ kind: 'remembered', exposures: table.size });
  };
}

const port = parentPort;
if (port !== null) {
  const take = serve(workerData as ThreadOptions, (message) => {
    port.postMessage(message);
  });
  port.on('message', take);
}
