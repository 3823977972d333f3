// The renders of the chart, read by Kubernetes' own types of three versions.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readIntoTypes, TYPES_VERSIONS, typesPath } from '../../scripts/chart/kubernetes-types.js';
import { GOLDEN, MANIFESTS, valuesNames } from '../../scripts/chart/render.js';
import { makeTemporaryFolder } from '../fakes/temporary-folder.js';

for (const version of TYPES_VERSIONS) {
  const program = typesPath(version) ?? '';
  const skip = program === '' && 'the program is not built: `npm run go-tools` builds it where there is Go';

  describe(`the types of Kubernetes ${version}`, { skip }, () => {
    it('have every field that the chart renders', () => {
      const files = [...valuesNames().map((name) => `${GOLDEN}/${name}.yaml`), MANIFESTS];
      const { faults, known, unknown } = readIntoTypes(program, files);
      assert.deepEqual(faults, []);
      assert.equal(Object.keys(known).length, 10);
      // Those of others, which these types cannot judge.
      assert.deepEqual(Object.keys(unknown).sort(), [
        'Certificate',
        'GRPCRoute',
        'HTTPRoute',
        'ServiceMonitor',
      ]);
    });

    it('refuse another field, a value of another type, and a key that is there twice', () => {
      const wrong = ['spec: { replicaz: 1 }', 'spec: { replicas: one }', 'spec: {}\nspec: {}'];
      const file = join(makeTemporaryFolder('types'), 'wrong.yaml');
      writeFileSync(file, wrong.map((text) => `kind: Deployment\n${text}\n`).join('---\n'));
      const { faults } = readIntoTypes(program, [file]);
      assert.equal(faults.length, 3, faults.join('\n'));
    });
  });
}
