// An SDK key is nowhere but in memory and in what is asked of the origin: not in Redis, files, logs or /status, whatever happens.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually, within } from '../e2e/deadline.js';
import { FAILING } from '../fakes/origin-faults.js';
import { askFor, startFleet, statusText, THREE, type Fleet } from './fleet.js';
import { redisName, specsOf, storedVersion } from './spec-forms.js';

/** Behind `secret-` and the four characters that people are shown. */
const HIDDEN = 'keptbackfromall';
const KEYS = {
  pinned: `secret-pinn${HIDDEN}1`,
  asked: `secret-aske${HIDDEN}2`,
  refused: `secret-refu${HIDDEN}3`,
  failing: `secret-fail${HIDDEN}4`,
};
const ARGS = ['--debug-logging', '--double-write-cache-for-legacy-key', '--clear-datastore-on-unauthorized'];
/** With what has a meaning in URLs. */
const PASSWORD = `p@ss:w/rd#${HIDDEN}%5`;
const USER = 'proxies';
const FAILING_REDIS = /command_timeout|connecting|connection_lost|connect_timeout/;

test('whatever a fleet goes through, no SDK key and no password is found in what it leaves', async (t) => {
  const fleet = await startFleet(t, [], {
    hasFolders: true,
    args: ARGS,
    env: {
      SFP_SDK_KEYS: KEYS.pinned,
      REDIS_ENTERPRISE_USER: USER,
      REDIS_ENTERPRISE_PASSWORD: PASSWORD,
    },
  });
  const client = fleet.redis.client();
  await client.acl('SETUSER', USER, 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
  const sent = await watchCommands(t, fleet);
  await Promise.all(THREE.map((name) => fleet.start(name)));
  await live(fleet);

  const folder = dumpOf(fleet, await client.call('SAVE'));
  assertClean('the dump of Redis', folder);
  const statuses = await Promise.all(fleet.all.map(statusText));
  for (const text of statuses) assertClean('/status', text);
  assert.ok(statuses.every((text) => text.includes('secret-aske***')));
  for (const replica of fleet.all) {
    const outputs = await endOf(fleet, replica.name);
    assert.ok(outputs.stdout.includes('secret-aske***'), 'nothing of the key was logged');
    assertClean(`the log of ${replica.name}`, outputs.stdout);
    assert.equal(outputs.stderr, '');
    for (const [path, text] of filesIn(fleet.folderOf(replica.name))) {
      assertClean(path, path);
      assertClean(path, text);
    }
  }
  assertClean('a command to Redis', sent.join('\n'));
  assert.ok(
    sent.some((command) => command.startsWith('publish')),
    'no message was seen',
  );
});

/** Updates, refusals, failures of the origin, a lost leader, a lost Redis. */
async function live(fleet: Fleet): Promise<void> {
  const specs = specsOf([KEYS.pinned, KEYS.asked]);
  const refused = specsOf([KEYS.refused], ['v1']);
  await fleet.warm([...specs, ...refused]);
  const client = fleet.redis.client();
  const leader = await fleet.calm(specs);
  fleet.origin.refusedKeys.add(KEYS.refused);
  await leader.program.line('spec dropped: origin refused the SDK key');
  const { version } = fleet.publish();
  for (const spec of specs) {
    await eventually('update in Redis', async () => (await storedVersion(client, spec)) === version);
  }
  fleet.origin.fault = FAILING.status_500;
  for (const replica of fleet.all) {
    const answer = await askFor(replica, { sdkKey: KEYS.failing, form: 'v1' });
    assert.equal(answer.status, 503);
  }
  await leader.program.line('origin failing: still serving the last good spec');
  fleet.origin.fault = undefined;
  await client.set(redisName({ sdkKey: KEYS.failing, form: 'v2' }), 'of another type');
  await fleet.warm(specsOf([KEYS.failing], ['v2']));
  fleet.redis.signal('SIGSTOP');
  await eventually('answers without Redis', async () => {
    const texts = await Promise.all(fleet.all.map(statusText));
    return texts.every((text) => FAILING_REDIS.test(text));
  });
  fleet.redis.signal('SIGCONT');
  await fleet.calm(specs);
}

/** Every command that Redis is sent by anybody, as MONITOR shows it: without passwords, with everything else. */
async function watchCommands(t: TestContext, fleet: Fleet): Promise<readonly string[]> {
  const sent: string[] = [];
  const monitor = await fleet.redis.client().monitor();
  t.after(() => {
    monitor.disconnect();
  });
  monitor.on('monitor', (_time: string, args: string[]) => sent.push(args.join(' ').toLowerCase()));
  return sent;
}

/** The file that SAVE has written, uncompressed, as text of one byte a character. */
function dumpOf(fleet: Fleet, saved: unknown): string {
  assert.equal(saved, 'OK');
  const text = readFileSync(join(fleet.redis.folder, 'dump.rdb'), 'latin1');
  // It can be searched: names stand in it as they are.
  for (const spec of specsOf([KEYS.pinned, KEYS.asked])) assert.ok(text.includes(redisName(spec)));
  assert.ok(text.includes('has_updates'), 'values cannot be read');
  return text;
}

async function endOf(fleet: Fleet, name: string): Promise<{ stdout: string; stderr: string }> {
  const replica = fleet.replicas.get(name) ?? assert.fail();
  replica.program.signal('SIGTERM');
  return await within(replica.program.ended, `end of ${name}`);
}

function filesIn(folder: string): (readonly [path: string, text: string])[] {
  assert.ok(existsSync(folder));
  const paths = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  const files = paths.filter((path) => statSync(path).isFile());
  assert.notEqual(files.length, 0, `nothing in ${folder}`);
  return files.map((path) => [path, readFileSync(path, 'latin1')] as const);
}

function assertClean(place: string, text: string): void {
  const at = text.toLowerCase().indexOf(HIDDEN);
  assert.equal(at, -1, `in ${place}: …${text.slice(Math.max(0, at - 60), at + 20)}…`);
}
