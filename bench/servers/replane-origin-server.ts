// A Replane server with one project of a hundred configs, one of which changes when asked.
import { ReplaneOrigin } from '../../test/fakes/replane/replane-origin.js';
import { answerParent } from './answer-parent.js';
import { machineMs } from './grpc-machine-clock.js';

const CONFIGS = 100;
const FILLER = 'x'.repeat(300);

const origin = await ReplaneOrigin.start();
const { sdkKey, project } = origin.addKey();
for (let config = 0; config < CONFIGS; config += 1) project.set(`config${config}`, { filler: FILLER });
let updates = 0;
let askedAtMs = 0;

answerParent({ url: origin.url, sdkKey }, ({ kind }) => {
  if (kind === 'update') {
    updates += 1;
    askedAtMs = machineMs();
    project.set('config0', { filler: FILLER, updates });
  }
  return { kind: 'done', askedAtMs };
});
