// The grammar of a JSON number, one byte at a time.

export type NumberState =
  'start' | 'minus' | 'zero' | 'integer' | 'point' | 'fraction' | 'e' | 'sign' | 'exponent';

type ByteClass = '0' | '1-9' | '-' | '+' | '.' | 'e';

const ANY_DIGIT = (next: NumberState): Partial<Record<ByteClass, NumberState>> => ({
  '0': next,
  '1-9': next,
});

const NEXT: Readonly<Record<NumberState, Readonly<Partial<Record<ByteClass, NumberState>>>>> = {
  start: { '-': 'minus', '0': 'zero', '1-9': 'integer' },
  minus: { '0': 'zero', '1-9': 'integer' },
  zero: { '.': 'point', e: 'e' },
  integer: { ...ANY_DIGIT('integer'), '.': 'point', e: 'e' },
  point: ANY_DIGIT('fraction'),
  fraction: { ...ANY_DIGIT('fraction'), e: 'e' },
  e: { ...ANY_DIGIT('exponent'), '-': 'sign', '+': 'sign' },
  sign: ANY_DIGIT('exponent'),
  exponent: ANY_DIGIT('exponent'),
};

/** The state after one more byte, or undefined where that byte does not belong to the number. */
export function continueNumber(state: NumberState, byte: number): NumberState | undefined {
  const byteClass = classOf(byte);
  return byteClass === undefined ? undefined : NEXT[state][byteClass];
}

/** Whether a number may end here. */
export function isWholeNumber(state: NumberState): boolean {
  return state === 'zero' || state === 'integer' || state === 'fraction' || state === 'exponent';
}

function classOf(byte: number): ByteClass | undefined {
  const character = String.fromCharCode(byte);
  if (character >= '1' && character <= '9') return '1-9';
  switch (character) {
    case '0':
    case '-':
    case '+':
    case '.':
      return character;
    case 'e':
    case 'E':
      return 'e';
    default:
      return undefined;
  }
}
