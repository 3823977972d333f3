// The memory place for copies of ID lists' files, against what every such place keeps to.
import { MemoryPlace } from '../../../../src/protocols/statsig/id-lists/memory-place.js';
import { copyPlaceContract } from '../../../contracts/copy-place-contract.js';

copyPlaceContract('memory', async () => ({ start: () => new MemoryPlace(), isDurable: false }));
