// The binary refuses what it cannot run with: exit status 2, every fault on standard error, nothing on standard output.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { runProgram, type Environment } from './daemon.js';
import { temporaryFile } from './temporary-file.js';

/** What it says on standard error when it refuses to run. */
async function refusal(t: TestContext, args: readonly string[], env: Environment = {}): Promise<string> {
  const { code, stdout, stderr } = await runProgram(t, args, { env });
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^spec-forward-proxy: wrong options\n/);
  return stderr;
}

/** The lines between the heading and the hint. */
function faultsIn(stderr: string): readonly string[] {
  return stderr.split('\n').filter((line) => line.startsWith('  '));
}

describe('wrong options', { concurrency: 4 }, () => {
  it('are told all at once: options, variables, operands, files and folders', async (t) => {
    const args = ['htp', 'local', '-p', '0', '--http-port', 'eighty', '--statsig-endpoint', 'ftp://x'];
    const folder = ['--data-dir', temporaryFile(t, 'a file')];
    const env = { SFP_UPDATE_BATCH_SIZE: '1.5', SFP_DEBUG_LOGGING: 'perhaps', SFP_SDK_KEYS: 'no key!' };
    const faults = faultsIn(await refusal(t, [...args, ...folder, '--sdk-keys-file', '/not/there'], env));
    const expected = [
      /MODE 'htp' is unknown: must be one of 'http'/,
      /--polling-interval-in-s: '0' is out of bounds \(1 to 86400\)/,
      /--http-port: 'eighty' must be an integer/,
      /--statsig-endpoint: .*https?:\/\//,
      /SFP_UPDATE_BATCH_SIZE: '1.5' must be an integer/,
      /SFP_DEBUG_LOGGING: .*true.*false/,
      /SFP_SDK_KEYS\): key 1 is not a valid SDK key/,
      /--sdk-keys-file .*\/not\/there.*ENOENT/,
      /--data-dir .* is not a directory/,
    ];
    for (const pattern of expected) {
      assert.equal(
        faults.filter((fault) => pattern.test(fault)).length,
        1,
        `${String(pattern)} in ${faults.join()}`,
      );
    }
    assert.equal(faults.length, expected.length);
  });

  it('include an option that there is not, without the value it was given', async (t) => {
    const stderr = await refusal(t, ['http', 'disabled', '--no-such-thing=secret-abcdefghijkl0123']);
    assert.match(stderr, /unknown option --no-such-thing:/);
    assert.doesNotMatch(stderr, /abcdefghijkl/);
  });

  it('include an option without its value', async (t) => {
    const faults = faultsIn(await refusal(t, ['http', 'disabled', '--http-port']));
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /--http-port: needs a value/);
  });

  it('include missing and surplus operands', async (t) => {
    const missing = faultsIn(await refusal(t, []));
    assert.deepEqual(missing.length, 2);
    assert.match(missing.join(), /MODE is required.*CACHE is required/);
    const surplus = faultsIn(await refusal(t, ['http', 'disabled', 'surplus']));
    assert.equal(surplus.length, 1);
    assert.match(surplus[0] ?? '', /unexpected argument 'surplus'/);
  });

  for (const [operands, sentence] of [
    [['https', 'disabled'], /MODE 'https' is unknown: must be one of 'http', 'grpc', 'grpc-and-http'/],
    [['http', 'memory'], /CACHE 'memory' is unknown: must be one of 'disabled', 'redis', 'local'/],
    [
      ['http', 'redis', '--redis-url', 'redis://u:hunter2@'],
      /--redis-url \(REDIS_URL\): .* must be a redis:/,
    ],
  ] as const) {
    it(`include ${operands.join(' ')}`, async (t) => {
      const faults = faultsIn(await refusal(t, operands));
      assert.equal(faults.length, 1);
      assert.match(faults[0] ?? '', sentence);
    });
  }

  it('include a keys file with a wrong key: the line is named, the key is not', async (t) => {
    const path = temporaryFile(t, '# ours\nsecret-goodkey0123456789\nsecret-wrong/key0123456789\n');
    const faults = faultsIn(await refusal(t, ['http', 'disabled', '--sdk-keys-file', path]));
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /SFP_SDK_KEYS_FILE\): line 3 of \S+ is not a valid SDK key/);
    assert.doesNotMatch(faults.join(), /wrong|goodkey/);
  });

  it('include an SDK key where a file belongs: the key is not repeated', async (t) => {
    const args = ['http', 'disabled', '--sdk-keys-file', 'secret-notafile0123456789'];
    const stderr = await refusal(t, args);
    assert.match(stderr, /--sdk-keys-file/);
    assert.doesNotMatch(stderr, /notafile/);
  });

  it('include a CA file that holds no certificate', async (t) => {
    const path = temporaryFile(t, 'not a certificate\n');
    const faults = faultsIn(await refusal(t, ['http', 'disabled'], { SFP_ORIGIN_CA_FILE: path }));
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /SFP_ORIGIN_CA_FILE.*contains no readable certificate/);
  });
});
