// Writes anew what the tests of the chart compare its renders with: `npm run chart:golden`. Read the difference before you commit it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { buildGoTool, HELM } from '../go-tools.js';
import { GOLDEN, render, VALUES, valuesNames } from './render.js';

const helm = buildGoTool(HELM, process.env);
if (helm === undefined) throw new Error('there is neither helm nor Go: set HELM to the path of a helm');
mkdirSync(GOLDEN, { recursive: true });
for (const name of valuesNames()) {
  const { yaml, errors } = render(helm, ['--values', `${VALUES}/${name}.yaml`]);
  if (yaml === undefined) throw new Error(`${name}: ${errors}`);
  if (errors !== '') console.error(`${name}: ${errors}`);
  writeFileSync(`${GOLDEN}/${name}.yaml`, yaml);
}
