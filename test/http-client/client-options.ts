// What clients of origins are given in tests: patient, with no proxy between; each test says what it wants otherwise.
import { ProxyPath } from '../../src/protocols/statsig/proxy-path.js';

export const CLIENT_OPTIONS = {
  version: '1.2.3',
  path: new ProxyPath('0123456789abcdef'),
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  bodyIdleTimeoutMs: 10_000,
  idleConnectionsMax: 10,
  idleConnectionMs: 55_000,
  caPem: undefined,
  httpProxy: '',
  httpsProxy: '',
  noProxy: '',
} as const;
