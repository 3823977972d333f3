// The published SDKs of Replane for JavaScript, three versions of them, which differ in no type that is used here.
import { Replane as Replane092 } from 'replane-sdk-0.9.2';
import { Replane as Replane094 } from 'replane-sdk-0.9.4';
import { Replane as Replane104, type ConnectOptions, type ReplaneContext } from 'replane-sdk-1.0.4';

export const SDK_VERSIONS = { '0.9.2': Replane092, '0.9.4': Replane094, '1.0.4': Replane104 } as const;
export type SdkVersion = keyof typeof SDK_VERSIONS;
export const sdkVersions = Object.keys(SDK_VERSIONS) as readonly SdkVersion[];

/** No test waits as long: what an SDK does later than its first timeouts is tried with timeouts of the test's own. */
const PATIENT = { requestTimeoutMs: 60_000, connectTimeoutMs: 600_000, retryDelayMs: 20 };

export interface SdkOptions extends Partial<ConnectOptions> {
  readonly version?: SdkVersion;
  readonly defaults?: Record<string, unknown>;
}

/** An application with one client. */
export class SdkApp {
  /** What the SDK logged as errors and warnings, as text. */
  readonly complaints: string[] = [];
  /** Each value that a subscription told, oldest first. */
  readonly told: Record<string, unknown[]> = {};
  readonly #client;
  readonly #options: ConnectOptions;

  constructor(baseUrl: string, sdkKey: string, { version = '1.0.4', defaults, ...options }: SdkOptions = {}) {
    const complain = (...parts: unknown[]): void => {
      this.complaints.push(parts.map(String).join(' '));
    };
    const logger = { debug: () => undefined, info: () => undefined, warn: complain, error: complain };
    const Replane = SDK_VERSIONS[version];
    this.#client = new Replane({ logger, ...(defaults && { defaults }) });
    this.#options = { ...PATIENT, baseUrl, sdkKey, ...options };
  }

  /** Where it may be refused for longer than `connectTimeoutMs`, the SDK leaves a rejection that nobody can catch. */
  connect(): Promise<void> {
    return this.#client.connect(this.#options);
  }

  subscribe(name: string): void {
    const told = (this.told[name] ??= []);
    this.#client.subscribe(name, ({ value }) => told.push(value));
  }

  /** Undefined where there is no such config. */
  get(name: string, context: ReplaneContext = {}): unknown {
    return this.#client.get(name, { context, default: undefined });
  }

  snapshot(): unknown {
    return this.#client.getSnapshot();
  }

  disconnect(): void {
    this.#client.disconnect();
  }
}
