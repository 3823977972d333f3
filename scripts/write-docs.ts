// Writes the pages anew that are made from code: `npm run docs`.
import { writeFileSync } from 'node:fs';
import { configurationText } from './configuration-text.js';
import { timeoutsText } from './timeouts-text.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationText());
writeFileSync(new URL('../docs/timeouts.md', import.meta.url), timeoutsText());
