// What every benchmark server does over IPC: says where it is, tells its usage, ends when its parent lets go.

/** `onMessage` answers what only this server knows. */
export function answerParent(
  ready: Readonly<Record<string, unknown>>,
  onMessage: (message: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>> = () => ({}),
): void {
  process.on('message', (message: Record<string, unknown>) => {
    if (message['kind'] === 'usage') process.send?.(usage());
    else process.send?.(message['kind'] === 'cpu' ? { kind: 'cpu', cpuMs: cpuMs() } : onMessage(message));
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(ready);
}

function usage(): Readonly<Record<string, unknown>> {
  // Memory is compared after the garbage is gone, CPU before that costs any.
  const usedMs = cpuMs();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { kind: 'usage', cpuMs: usedMs, rssBytes: rss, heldBytes: heapUsed + external };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
