// Writes anew what is made from other files: pages of docs, types of the page, boards of deploy, and the chart's copies: `npm run docs`.
import { readFileSync, writeFileSync } from 'node:fs';
import { datadogBoard, grafanaBoard, statsdBoard } from './boards.js';
import { chartText } from './chart-text.js';
import { configurationText } from './configuration-text.js';
import { readCurves } from './growth-curves.js';
import { plotOf } from './growth-plot.js';
import { monitoringText } from './monitoring-text.js';
import { pageAnswersText } from './page-answers-text.js';
import { timeoutsText } from './timeouts-text.js';

const FILES = {
  'docs/configuration.md': configurationText(),
  'docs/monitoring.md': monitoringText(),
  'docs/timeouts.md': timeoutsText(),
  ...Object.fromEntries(readCurves().map((curve) => [`docs/performance/${curve.name}.svg`, plotOf(curve)])),
  'src/page/api-answers.ts': await pageAnswersText(),
  'deploy/grafana/spec-forward-proxy.json': grafanaBoard(),
  'deploy/grafana/spec-forward-proxy-statsd.json': statsdBoard(),
  'deploy/datadog/spec-forward-proxy.json': datadogBoard(),
  'chart/README.md': chartText(),
  'chart/files/dashboard.json': grafanaBoard(),
  'chart/files/dashboard-statsd.json': statsdBoard(),
  'chart/files/rules.yaml': readFileSync(new URL('../deploy/prometheus/rules.yaml', import.meta.url), 'utf8'),
};

for (const [path, text] of Object.entries(FILES)) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
}
