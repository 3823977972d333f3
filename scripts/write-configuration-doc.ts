// Writes docs/configuration.md anew from the settings table: `npm run docs`.
import { writeFileSync } from 'node:fs';
import { configurationText } from './configuration-text.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationText());
