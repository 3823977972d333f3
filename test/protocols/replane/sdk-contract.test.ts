// The double of a Replane server keeps to what applications rely on: what is proved with it behind the proxy says something.
import { after } from 'node:test';
import { replaneContract } from '../../contracts/replane-contract.js';
import { ReplaneOrigin } from '../../fakes/replane/replane-origin.js';

const origin = await ReplaneOrigin.start();
after(() => origin.down());
replaneContract('Replane', { origin, url: origin.url });
