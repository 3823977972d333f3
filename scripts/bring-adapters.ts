// Brings what the tests of data adapters need of each language that this machine has: `npm run adapters`.
import { mkdirSync } from 'node:fs';
import { LANGUAGES, missingTool } from './adapters.js';

mkdirSync('node_modules/.cache/adapters', { recursive: true });
for (const [name, language] of Object.entries(LANGUAGES)) {
  const missing = missingTool(language);
  if (missing !== undefined) console.error(`${name}: there is no ${missing}: its test is skipped`);
  else if (!language.isThere()) language.bring();
}
