// Errors of Redis and of its library become reasons, and nothing of their texts goes further.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisFault, toRedisFault } from '../../../src/storage/redis/redis-fault.js';

const TEXTS: Readonly<Record<string, string>> = {
  'NOAUTH Authentication required.': 'auth_failed (NOAUTH)',
  'WRONGPASS invalid username-password pair or user is disabled.': 'auth_failed (WRONGPASS)',
  "NOPERM this user has no permissions to run the 'hset' command": 'auth_failed (NOPERM)',
  'ERR invalid password': 'auth_failed (ERR)',
  "ERR The user executing the script can't run this command or subcommand script: 0a1b":
    'auth_failed (NOPERM)',
  'LOADING Redis is loading the dataset in memory': 'loading (LOADING)',
  "READONLY You can't write against a read only replica. script: 0a1b, on @user_script:3.":
    'read_only (READONLY)',
  "ERR Error running script (call to f_0a1b): @user_script:3: @user_script: 3: -READONLY You can't write":
    'read_only (READONLY)',
  'NOREPLICAS Not enough good replicas to write.': 'read_only (NOREPLICAS)',
  'MISCONF Redis is configured to save RDB snapshots, but it is unable to persist': 'read_only (MISCONF)',
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.":
    'read_only (MASTERDOWN)',
  "OOM command not allowed when used memory > 'maxmemory'.": 'out_of_memory (OOM)',
  'CLUSTERDOWN The cluster is down': 'cluster_down (CLUSTERDOWN)',
  'MOVED 3999 127.0.0.1:6381': 'redis_error (MOVED)',
  'ERR DB index is out of range': 'redis_error (DB_INDEX)',
  'ERR max number of clients reached': 'redis_error (MAX_CLIENTS)',
  "CROSSSLOT Keys in request don't hash to the same slot": 'redis_error (CROSSSLOT)',
  "ERR CROSSSLOT Keys in request don't hash to the same slot": 'redis_error (CROSSSLOT)',
  'Connection is closed.': 'connection_lost',
  'Too many Cluster redirections. Last error: Error: Connection is closed.': 'connection_lost',
  'None of startup nodes is available': 'connection_refused',
  timeout: 'connect_timeout',
  "Stream isn't writeable and enableOfflineQueue options is false": 'connection_lost',
  'Command timed out': 'command_timeout',
  'nothing that anybody knows': 'redis_error',
};

test('answers are told apart by the word they begin with', () => {
  for (const [text, expected] of Object.entries(TEXTS)) {
    assert.equal(toRedisFault(new Error(text)).message, expected, text);
  }
});

test('errors of the network are told apart by their codes', () => {
  const codes: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection_refused',
    EHOSTUNREACH: 'connection_refused',
    ENETUNREACH: 'connection_refused',
    ECONNRESET: 'connection_lost',
    EPIPE: 'connection_lost',
    ETIMEDOUT: 'connect_timeout',
    ENOTFOUND: 'dns_failed',
    EAI_AGAIN: 'dns_failed',
    EPROTO: 'tls_failed',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_failed',
    ERR_TLS_CERT_ALTNAME_INVALID: 'tls_failed',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_failed',
  };
  for (const [code, reason] of Object.entries(codes)) {
    const fault = toRedisFault(Object.assign(new Error('at redis://user:secret@host'), { code }));
    assert.equal(fault.message, `${reason} (${code})`);
  }
});

test('where every address of a host failed, the first says why', () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  assert.equal(toRedisFault(new AggregateError([refused, new Error('x')])).reason, 'connection_refused');
});

test('the error of a cluster is that of its last node', () => {
  const lastNodeError = new Error('WRONGPASS invalid username-password pair');
  const all = Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError });
  assert.equal(toRedisFault(all).reason, 'auth_failed');
});

test('a password that an answer repeats does not come along', () => {
  const fault = toRedisFault(new Error('ERR unknown command `AUTH`, with args beginning with: `HUNTER2`, '));
  assert.equal(fault.message, 'redis_error (ERR)');
});

test('a fault stays what it is, and what is no error is one', () => {
  const fault = new RedisFault('closed');
  assert.equal(toRedisFault(fault), fault);
  assert.equal(toRedisFault('thrown').reason, 'redis_error');
});
