// Redis that asks its clients for a certificate: alone, behind sentinels and as a cluster.
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import type { ClientTls } from '../../../src/network/secure-context.js';
import type { RedisAddress } from '../../../src/storage/redis/redis-address.js';
import { TIME } from '../../contracts/snapshots-place.js';
import { eventually } from '../../e2e/deadline.js';
import { freePort } from '../../fakes/free-port.js';
import { startRedisCluster } from '../../fakes/redis-cluster.js';
import { MASTER_NAME, startSentinel } from '../../fakes/redis-sentinel.js';
import { startRedisServer, type RedisServer } from '../../fakes/redis-server.js';
import { TestAuthority, type Issued } from '../../fakes/test-authority.js';
import { clusterAddress, DEMO, openReplica, redisOptions, type Replica } from './redis-scene.js';

const HOST = '127.0.0.1';
/** They lie in slots of every node of a cluster of three. */
const KEYS = Array.from({ length: 12 }, (_, index) => DEMO.keyOf(`secret-mutual-${index}-0123456789`));

let authority: TestAuthority;
let strangers: TestAuthority;
let server: Issued;

before(() => {
  authority = new TestAuthority();
  strangers = new TestAuthority('an authority that nobody knows');
  server = authority.issue('server');
});
after(() => {
  authority.close();
  strangers.close();
});

/** As options of redis-server; as lines of its configuration without the dashes. */
function tlsArgs(port: number): readonly string[] {
  return [
    ...['--tls-port', String(port), '--tls-auth-clients', 'yes', '--tls-cert-file', server.certPath],
    ...['--tls-key-file', server.keyPath, '--tls-ca-cert-file', authority.caPath],
  ];
}

interface Stage {
  readonly address: RedisAddress;
  /** Those that hold data. */
  readonly servers: readonly RedisServer[];
}

const STAGES: Readonly<Record<string, (t: TestContext) => Promise<Stage>>> = {
  'a single server': async (t) => {
    const port = await freePort();
    return {
      address: { kind: 'standalone', host: HOST, port },
      servers: [await startRedisServer(t, tlsArgs(port))],
    };
  },
  sentinels: async (t) => {
    const [port, sentinelPort] = [await freePort(), await freePort()];
    const master = await startRedisServer(t, [...tlsArgs(port), '--tls-replication', 'yes']);
    const lines = tlsArgs(sentinelPort).flatMap((part, index, all) =>
      index % 2 === 0 ? [`${part.slice(2)} ${all[index + 1] ?? ''}`] : [],
    );
    await startSentinel(t, port, [...lines, 'tls-replication yes']);
    const sentinels = [{ host: HOST, port: sentinelPort }];
    const login = { sentinelUser: '', sentinelPassword: '' };
    return {
      address: { kind: 'sentinel', masterName: MASTER_NAME, sentinels, ...login },
      servers: [master],
    };
  },
  'a cluster': async (t) => {
    const ports: number[] = [];
    const servers = await startRedisCluster(t, async () => {
      const port = await freePort();
      ports.push(port);
      return [...tlsArgs(port), '--tls-cluster', 'yes'];
    });
    return { address: clusterAddress(ports.map((port) => ({ port }))), servers };
  },
};

function identityOf({ cert, key }: Issued): ClientTls['identity'] {
  return { cert, key };
}

async function saves({ snapshots }: Replica, version = TIME): Promise<readonly string[]> {
  const saved = await Promise.all(KEYS.map((key) => snapshots.save(key, DEMO.payloadOf(version), 0)));
  return [...new Set(saved.map((outcome) => ('reason' in outcome ? outcome.reason : outcome.kind)))];
}

for (const [name, start] of Object.entries(STAGES)) {
  test(`${name}: is shown the certificate, and the new one on every connection after a renewal`, async (t) => {
    const { address, servers } = await start(t);
    const tls: { caPem: string; identity: ClientTls['identity'] } = {
      caPem: authority.ca,
      identity: identityOf(authority.issue('proxy')),
    };
    const replica = await openReplica(t, redisOptions(0, { address, tls }));
    assert.deepEqual(await saves(replica), ['stored'], replica.log.text);
    const cutAll = async (): Promise<void> => {
      for (const each of servers) await each.client().call('CLIENT', ['KILL', 'TYPE', 'normal']);
    };
    tls.identity = identityOf(strangers.issue('stranger'));
    await cutAll();
    await eventually('a refusal', async () => !(await saves(replica)).includes('stored'));
    tls.identity = identityOf(authority.issue('renewed'));
    await eventually('the renewed one', async () => (await saves(replica, TIME + 1))[0] === 'stored');
  });

  test(`${name}: refuses a client that shows none`, async (t) => {
    const { address } = await start(t);
    const tls = { caPem: authority.ca };
    const replica = await openReplica(t, redisOptions(0, { address, tls }));
    const outcomes = await saves(replica);
    // Behind sentinels and in a cluster ioredis has an error of its own in the place of the server's.
    if (address.kind === 'standalone') assert.deepEqual(outcomes, ['tls_failed'], replica.log.text);
    assert.equal(outcomes.length, 1);
    assert.notEqual(outcomes[0], 'stored');
  });
}
