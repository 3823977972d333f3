// A gate as Statsig's own SDK evaluates it, on a spec that is at hand: without a network, without events, without anything kept.
import statsig from 'statsig-node';

export interface GateQuestion {
  /** Of the project. */
  readonly sdkKey: string;
  readonly gate: string;
  /** Who asks. */
  readonly customIds: Readonly<Record<string, string>>;
  /** The spec for legacy SDKs (v1), as JSON text in UTF-8. */
  readonly spec: Uint8Array;
}

/** Rejects where the SDK makes nothing of the spec. A gate that the project does not have is closed. */
export async function evaluateGate({ sdkKey, gate, customIds, spec }: GateQuestion): Promise<boolean> {
  const server = new statsig.StatsigServer(sdkKey, {
    bootstrapValues: Buffer.from(spec.buffer, spec.byteOffset, spec.byteLength).toString(),
    // Each of these keeps it from asking or telling somebody.
    localMode: true,
    disableRulesetsSync: true,
    disableIdListsSync: true,
    disableAllLogging: true,
    disableDiagnostics: true,
    initStrategyForIDLists: 'none',
    initStrategyForIP3Country: 'none',
    networkOverrideFunc: () => Promise.reject(new Error('no network here')),
  });
  try {
    const { source } = await server.initializeAsync();
    if (source !== 'Bootstrap') throw new Error('the SDK makes nothing of this spec');
    return server.checkGate({ customIDs: { ...customIds } }, gate, { disableExposureLogging: true });
  } finally {
    server.shutdown();
  }
}
