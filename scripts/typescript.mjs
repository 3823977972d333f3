// Lets node run TypeScript: `node --import ./scripts/typescript.mjs`. By tsx, whose own import leaves threads out on Node 20.
import { register } from 'tsx/esm/api';

register();
