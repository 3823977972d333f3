// Writes anew what the tests of the chart compare its renders with: `npm run chart:golden`. Read the difference before you commit it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { buildGoTool, HELM } from '../go-tools.js';
import { GOLDEN, MANIFESTS, render, renderManifests, VALUES, valuesNames, type Render } from './render.js';

const helm = buildGoTool(HELM, process.env);
if (helm === undefined) throw new Error('there is neither helm nor Go: set HELM to the path of a helm');
mkdirSync(GOLDEN, { recursive: true });
for (const name of valuesNames())
  write(`${GOLDEN}/${name}.yaml`, render(helm, ['--values', `${VALUES}/${name}.yaml`]));
write(MANIFESTS, renderManifests(helm));

function write(path: string, { yaml, errors }: Render): void {
  if (yaml === undefined) throw new Error(`${path}: ${errors}`);
  if (errors !== '') console.error(`${path}: ${errors}`);
  writeFileSync(path, yaml);
}
