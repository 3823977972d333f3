// The ports of a mode: what is spoken on each, which stay closed because of TLS, and the numbers they have.
import type { Config } from '../config/load-config.js';
import type { GrpcServer } from '../servers/grpc/grpc-server.js';
import type { HttpApp } from '../servers/http/fastify-app.js';
import type { Http2Front } from '../servers/http/http2-front.js';
import type { ConnectionLimit } from '../servers/listener/connection-limit.js';
import { ListeningPort, type Accept, type PortOptions } from '../servers/listener/listening-port.js';
import type { TlsFront } from '../servers/listener/tls-front.js';
import type { ConnectionLimits } from './connection-limits.js';

/** Undefined for a port that the mode does not have, or that TLS closes or opens. */
export interface Ports {
  readonly httpPort: number | undefined;
  readonly httpsPort: number | undefined;
  readonly grpcPort: number | undefined;
  readonly grpcTlsPort: number | undefined;
  readonly adminPort: number;
}

/** Undefined for a server that the mode does not have. */
export interface Speakers {
  readonly http: HttpApp | undefined;
  /** In front of the HTTP server, where there is TLS. */
  readonly http2: Http2Front | undefined;
  readonly grpc: GrpcServer | undefined;
  readonly admin: HttpApp;
  readonly tls: TlsFront | undefined;
}

export class PublicAndAdminPorts {
  /** The admin port is closed like one of HTTP. */
  readonly ofHttp: readonly ListeningPort[];
  readonly ofGrpc: readonly ListeningPort[];
  readonly #byName: Readonly<Record<keyof Ports, ListeningPort | undefined>>;

  constructor(config: Config, limits: ConnectionLimits, { http, http2, grpc, admin, tls }: Speakers) {
    const at = openPortsOf(config);
    const port = (
      options: PortOptions | undefined,
      limit: ConnectionLimit | undefined,
      accept: Accept | undefined,
    ): ListeningPort | undefined => options && limit && accept && new ListeningPort(options, limit, accept);
    const adminPort = new ListeningPort(at.adminPort, limits.admin, admin.accept);
    const httpPort = port(at.httpPort, limits.http, http?.accept);
    const grpcPort = port(at.grpcPort, limits.grpc, grpc?.accept);
    const overTls = http && http2 && tls?.over({ h2: http2.accept, 'http/1.1': http.accept });
    const httpsPort = port(at.httpsPort, limits.http, overTls);
    const grpcTlsPort = port(at.grpcTlsPort, limits.grpc, grpc && tls?.over({ h2: grpc.accept }));
    this.#byName = { adminPort, httpPort, httpsPort, grpcPort, grpcTlsPort };
    this.ofHttp = [adminPort, httpPort, httpsPort].filter((port) => port !== undefined);
    this.ofGrpc = [grpcPort, grpcTlsPort].filter((port) => port !== undefined);
  }

  get numbers(): Ports {
    const { adminPort, ...others } = Object.fromEntries(
      Object.entries(this.#byName).map(([name, port]) => [name, port?.number]),
    ) as Record<keyof Ports, number | undefined>;
    return { ...others, adminPort: adminPort ?? 0 };
  }
}

/** Where each port that this configuration opens is to listen; undefined for the others. */
export function openPortsOf(config: Config): Readonly<
  Record<Exclude<keyof Ports, 'adminPort'>, PortOptions | undefined>
> & {
  readonly adminPort: PortOptions;
} {
  const { mode, tls } = config;
  const open = { host: config.host, hostSetting: '--host (SFP_HOST)' };
  const admin = { host: config.adminHost, hostSetting: '--admin-host (SFP_ADMIN_HOST)' };
  const [isHttp, isGrpc] = [mode !== 'grpc', mode !== 'http'];
  const [isPlain, isTls] = [tls?.plainToo !== false, tls !== undefined];
  const publicPort = (isOpen: boolean, port: number, portSetting: string): PortOptions | undefined =>
    isOpen ? { ...open, port, portSetting } : undefined;
  return {
    httpPort: publicPort(isHttp && isPlain, config.httpPort, '--http-port (SFP_HTTP_PORT)'),
    httpsPort: publicPort(isHttp && isTls, config.httpsPort, '--https-port (SFP_HTTPS_PORT)'),
    grpcPort: publicPort(isGrpc && isPlain, config.grpcPort, '--grpc-port (SFP_GRPC_PORT)'),
    grpcTlsPort: publicPort(isGrpc && isTls, config.grpcTlsPort, '--grpc-tls-port (SFP_GRPC_TLS_PORT)'),
    adminPort: { ...admin, port: config.adminPort, portSetting: '--admin-port (SFP_ADMIN_PORT)' },
  };
}
