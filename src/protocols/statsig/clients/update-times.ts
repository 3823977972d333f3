// How long a version took to reach those clients of its spec that were here before it.

/** `p50`: until half of `clients` had it; null where too few had it by then. */
export interface UpdateTimes {
  readonly version: number;
  /** When it was held, by the monotonic clock. */
  readonly heldSinceMs: number;
  readonly clients: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
}

/** Of one version: when it was held, and since when which client has it. */
interface Arriving {
  readonly version: number;
  readonly heldSinceMs: number;
  readonly instances: ReadonlyMap<
    unknown,
    { readonly firstSeenMs: number; readonly has: number; readonly hasSinceMs: number }
  >;
}

/** Of the version that is held. */
export function timesOfUpdate({ version, heldSinceMs, instances }: Arriving): UpdateTimes {
  const tookMs = new Float64Array(instances.size);
  let clients = 0;
  let taken = 0;
  for (const { firstSeenMs, has, hasSinceMs } of instances.values()) {
    if (firstSeenMs >= heldSinceMs) continue;
    clients += 1;
    if (has !== version) continue;
    tookMs[taken] = Math.max(0, hasSinceMs - heldSinceMs);
    taken += 1;
  }
  const sorted = tookMs.subarray(0, taken).sort();
  const after = (share: number): number | null => sorted[Math.ceil(share * clients) - 1] ?? null;
  return { version, heldSinceMs, clients, p50Ms: after(0.5), p90Ms: after(0.9), p99Ms: after(0.99) };
}
