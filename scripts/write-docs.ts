// Writes anew what is made from code: pages of docs and boards of deploy: `npm run docs`.
import { writeFileSync } from 'node:fs';
import { datadogBoard, grafanaBoard, statsdBoard } from './boards.js';
import { configurationText } from './configuration-text.js';
import { monitoringText } from './monitoring-text.js';
import { timeoutsText } from './timeouts-text.js';

const FILES = {
  'docs/configuration.md': configurationText(),
  'docs/monitoring.md': monitoringText(),
  'docs/timeouts.md': timeoutsText(),
  'deploy/grafana/spec-forward-proxy.json': grafanaBoard(),
  'deploy/grafana/spec-forward-proxy-statsd.json': statsdBoard(),
  'deploy/datadog/spec-forward-proxy.json': datadogBoard(),
};

for (const [path, text] of Object.entries(FILES)) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
}
