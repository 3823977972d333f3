// Waiting that ends: for a promise, or for a condition that nothing announces; says what it waited for when it fails.

/** As long as a busy machine may need for anything that takes a moment on an idle one. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 20;
const TRIES_MAX = 5;

/** The promise's value, or a failure that names what did not happen. */
export async function within<Value>(
  promise: Promise<Value>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`within ${patienceMs} ms there was no ${what}`));
    }, patienceMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again until `look` is true, or resolves to true. */
export async function eventually(
  what: string,
  look: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (!(await look())) {
    if (performance.now() > untilMs) throw new Error(`within ${patienceMs} ms there was no ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * What `run` took at best. It runs again while it takes longer than `mostMs`, a few times: what is slow by a fault of ours is
 * so each time, while a busy machine is not always.
 */
export async function atBest(mostMs: number, run: () => Promise<number>): Promise<number> {
  const tookMs: number[] = [];
  while (tookMs.length < TRIES_MAX && !tookMs.some((ms) => ms <= mostMs)) tookMs.push(await run());
  return Math.min(...tookMs);
}
