// How an HTTP/1 origin answers in a random walk: in any way that is right, and while there is trouble in many that are not.
import { HONEST, type Plan, type RequestHead } from '../fakes/raw-origin.js';
import type { Dice } from './dice.js';

const ENDINGS = ['half-close', 'close', 'reset'] as const;
/** About where heads end, and where bodies do. */
const CUTS_MAX = [200, 5_000, 400_000] as const;
/** A second answer that comes after the next question cannot be told from its answer: of one write, both come before it. */
const TWICE = /secret-small|get_id_lists|log_event/;

/** Right, however it looks. */
export function rightPlan(dice: Dice): Partial<Plan> {
  const framing = dice.oneOf(['length', 'length', 'chunked', 'end'] as const);
  const version = framing === 'chunked' || dice.chance(0.8) ? '1.1' : '1.0';
  const isClosing = framing === 'end' || version === '1.0' || dice.chance(0.1);
  return {
    framing,
    version,
    saysClose: isClosing && dice.chance(0.5),
    informational: version === '1.1' && dice.chance(0.1) ? [103, 102] : [],
    chunkBytes: dice.oneOf([500, 16_384, 70_000]),
    ...(dice.chance(0.2) && { pieceBytes: dice.oneOf([3_000, 40_000]), pauseMs: 1 }),
    splitAtByte: dice.chance(0.2) ? dice.between(1, 400) : 0,
    ending: isClosing ? dice.oneOf(['half-close', 'close']) : 'keep',
  };
}

const WRONG: readonly Trouble[] = [
  (dice) => ({ cutAtByte: dice.between(0, dice.oneOf(CUTS_MAX)), ending: dice.oneOf(ENDINGS) }),
  (dice) => ({ cutAtByte: dice.between(0, dice.oneOf(CUTS_MAX)), ending: dice.oneOf(ENDINGS) }),
  (dice) => ({ cutAtByte: dice.between(0, dice.oneOf(CUTS_MAX)), ending: 'keep' }),
  (dice) => ({ lengthError: dice.oneOf([1, -1, 100, -100, 5_000, 'nonsense']) }),
  (dice) => ({ lengthError: dice.oneOf([1, -1, 100, -100, 5_000]), ending: dice.oneOf(ENDINGS) }),
  (_dice, { target }) => ({ ...HONEST, copies: TWICE.test(target) ? 2 : 1 }),
  () => ({ isEarly: true }),
  (dice) => ({ isEarly: true, ending: dice.oneOf(ENDINGS) }),
  (dice) => ({ pieceBytes: dice.between(1_000, 20_000), pauseMs: dice.between(1, 30) }),
  () => ({ cutAtByte: 0, ending: 'close' }),
];

type Trouble = (dice: Dice, head: RequestHead) => Partial<Plan>;

/** Right or wrong: of many requests one in two gets an answer that can be taken. */
export function anyPlan(dice: Dice, head: RequestHead): Partial<Plan> {
  const right = rightPlan(dice);
  return dice.chance(0.4) ? right : { ...right, ...dice.oneOf(WRONG)(dice, head) };
}
