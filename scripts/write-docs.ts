// Writes anew the pages of docs that are made from tables of the program: `npm run docs`.
import { writeFileSync } from 'node:fs';
import { configurationText } from './configuration-text.js';
import { monitoringText } from './monitoring-text.js';

const PAGES = { 'configuration.md': configurationText(), 'monitoring.md': monitoringText() };

for (const [name, text] of Object.entries(PAGES)) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), text);
}
