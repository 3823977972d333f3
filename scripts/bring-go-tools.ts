// Builds what tests of the chart and of workflows need, or says that these will be skipped: `npm run go-tools`.
import { spawnSync } from 'node:child_process';
import { buildTypes } from './chart/kubernetes-types.js';
import { ACTIONLINT, buildGoTool, HELM } from './go-tools.js';

if (spawnSync('go', ['version']).status === 0) {
  buildGoTool(ACTIONLINT, process.env);
  buildGoTool(HELM, process.env);
  buildTypes(process.env);
} else {
  console.error('there is no Go: tests that need helm, actionlint or the types of Kubernetes are skipped');
}
