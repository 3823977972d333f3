// Builds what the tests of the chart need, or says that they will be skipped: `npm run chart:tools`.
import { spawnSync } from 'node:child_process';
import { buildHelm } from './helm.js';
import { buildTypes } from './kubernetes-types.js';

if (spawnSync('go', ['version']).status === 0) {
  buildHelm(process.env);
  buildTypes(process.env);
} else {
  console.error('there is no go: tests of the chart that need helm or the types of Kubernetes are skipped');
}
