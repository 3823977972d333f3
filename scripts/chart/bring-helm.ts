// Builds helm for the chart's tests, or says that they will be skipped: `npm run chart:helm`.
import { buildHelm } from './helm.js';

if (buildHelm(process.env) === undefined) {
  console.error('helm is not built, as there is no go: tests of the chart that need it are skipped');
}
