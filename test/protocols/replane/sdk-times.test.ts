// The times of Replane's SDKs, with a clock that is moved: how long they wait for a head, for `init` and for bytes, and between attempts.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sdkVersions, SDK_VERSIONS, type SdkVersion } from '../../fakes/replane/replane-sdk.js';

class Attempt {
  readonly #streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  readonly #signal: AbortSignal;
  readonly #answer: (response: Response) => void;
  isAborted = false;

  constructor(signal: AbortSignal, answer: (response: Response) => void, fail: (error: Error) => void) {
    this.#signal = signal;
    this.#answer = answer;
    signal.addEventListener('abort', () => {
      this.isAborted = true;
      fail(new Error('aborted'));
    });
  }

  head(): void {
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        this.#streams.push(stream);
        this.#signal.addEventListener('abort', () => {
          stream.error(new Error('aborted'));
        });
      },
    });
    this.#answer(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  }

  send(text: string): void {
    for (const stream of this.#streams) stream.enqueue(Buffer.from(text));
  }
}

interface Scene {
  readonly attempts: Attempt[];
  readonly complaints: string[];
  /** Settles what the move of the clock set going. */
  readonly pass: (durationMs: number) => Promise<void>;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function connect(t: TestContext, version: SdkVersion): Promise<Scene> {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const attempts: Attempt[] = [];
  const complaints: string[] = [];
  const quiet = (): void => undefined;
  const error = (text: string): void => {
    complaints.push(text);
  };
  const client = new SDK_VERSIONS[version]({ logger: { debug: quiet, info: quiet, warn: quiet, error } });
  const fetchFn = ((_url: string, { signal }: { signal: AbortSignal }) =>
    new Promise<Response>((answer, fail) => {
      attempts.push(new Attempt(signal, answer, fail));
    })) as unknown as typeof fetch;
  const connected = client.connect({
    baseUrl: 'http://unused',
    sdkKey: 'k',
    fetchFn,
    connectTimeoutMs: 3_600_000,
  });
  void connected;
  t.after(() => {
    client.disconnect();
  });
  await settle();
  const pass = async (durationMs: number): Promise<void> => {
    t.mock.timers.tick(durationMs);
    await settle();
  };
  return { attempts, complaints, pass };
}

for (const version of sdkVersions) {
  test(`${version}: a head has 2 s, and delays double from 0.2 s to 10 s`, async (t) => {
    const { attempts, complaints, pass } = await connect(t, version);
    for (const delay of [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]) {
      const attempt = attempts.at(-1);
      await pass(1_999);
      assert.equal(attempt?.isAborted, false);
      await pass(1);
      assert.equal(attempt.isAborted, true);
      assert.equal(complaints.at(-1), `Failed to fetch project events, retrying in ${delay}ms...`);
      const count = attempts.length;
      await pass(delay * 0.89);
      assert.equal(attempts.length, count);
      await pass(delay * 0.22);
      assert.equal(attempts.length, count + 1);
    }
  });

  test(`${version}: a stream has 30 s without a byte, a comment begins them anew`, async (t) => {
    const { attempts, pass } = await connect(t, version);
    const [attempt] = attempts;
    attempt?.head();
    await settle();
    attempt?.send('data: {"type":"init","configs":[]}\n\n');
    await settle();
    for (let ping = 0; ping < 4; ping += 1) {
      await pass(29_999);
      attempt?.send(': ping\n\n');
      await settle();
    }
    assert.equal(attempt?.isAborted, false);
    await pass(30_000);
    assert.equal(attempt.isAborted, true);
  });

  test(`${version}: an application has 5 s to connect`, (t) => {
    const delays: (number | undefined)[] = [];
    // Never fires, as the rejection would be one that nobody can catch.
    t.mock.method(globalThis, 'setTimeout', (_act: () => void, delayMs?: number) => delays.push(delayMs));
    const client = new SDK_VERSIONS[version]();
    const fetchFn = (() => new Promise<Response>(() => undefined)) as unknown as typeof fetch;
    void client.connect({ baseUrl: 'http://unused', sdkKey: 'k', fetchFn, requestTimeoutMs: 1 });
    assert.deepEqual(delays, [1, 5_000]);
  });
}
