// What nginx is compared as: a cache of SFP's kind in front of a server, and one file behind TLS.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpBlock } from './nginx.js';

const KEY =
  '$request_method|$uri|$args|$http_statsig_api_key|$http_accept_encoding|$http_statsig_supports_proto';

/** As SFP 4.5 has it: one entry for each question and each Accept-Encoding, sent from files. `upstream`: host and port. */
export function cacheInFrontOf(upstream: string): HttpBlock {
  return (folder, port) => `
  sendfile on; tcp_nopush on;
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=specs:10m max_size=1g use_temp_path=off;
  upstream proxied { server ${upstream}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://proxied; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache specs; proxy_cache_key "${KEY}"; proxy_cache_valid 200 1h; proxy_cache_lock on;
      proxy_ignore_headers Vary Cache-Control Expires;
    }
  }`;
}

export interface TlsFile {
  readonly certPath: string;
  readonly keyPath: string;
  /** Answered to every request. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Protocols as the proxy has them. */
export function fileBehindTls({ certPath, keyPath, body, headers }: TlsFile): HttpBlock {
  const added = Object.entries(headers).map(([name, value]) => `add_header ${name} '${value}';`);
  return (folder, port) => {
    writeFileSync(join(folder, 'body'), body);
    return `
  open_file_cache max=10;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certPath}; ssl_certificate_key ${keyPath}; ssl_protocols TLSv1.2 TLSv1.3;
    default_type application/json; root ${folder};
    location / { etag off; ${added.join(' ')} try_files /body =404; }
  }`;
  };
}
