// Log lines for a person at a terminal: time, level, sentence, fields; made from the JSON lines that everything else reads.

/** The same in every line of one process. */
const LEFT_OUT: readonly string[] = ['instance', 'version'];
/** What needs no quotes to be told from what stands beside it. */
const PLAIN_TEXT = /^[\w.:/@*+,-]+$/;
/** Control and format characters, which could steer the terminal, and everything that ends a line. */
const NOT_FOR_A_TERMINAL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const LEVEL_CHARACTERS = 5;
const TIME_IN_ISO = { from: 11, to: 24 } as const;

/** `line`: one JSON object and a line end, as the logger writes it. */
export function readableLine(line: string): string {
  const fields = parseFields(line);
  if (fields === undefined) return line;
  const { time, level, msg, ...rest } = fields;
  const { fields: others, stack } = splitStack(rest);
  const words = [
    String(time).slice(TIME_IN_ISO.from, TIME_IN_ISO.to),
    String(level).toUpperCase().padEnd(LEVEL_CHARACTERS),
    escape(String(msg)),
    ...Object.entries(others)
      .filter(([name]) => !LEFT_OUT.includes(name))
      .map(([name, value]) => `${name}=${valueText(value)}`),
  ];
  const stackLines = stack.map((each) => `    ${escape(each)}`);
  return [words.join(' '), ...stackLines, ''].join('\n');
}

function parseFields(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    // Not a log line of ours: it is shown as it is.
    return undefined;
  }
}

/** An error's stack begins with its type and message: nothing else of the error is shown then. */
function splitStack(fields: Readonly<Record<string, unknown>>): {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly stack: readonly string[];
} {
  const { err, ...others } = fields;
  const hasStack = typeof err === 'object' && err !== null && 'stack' in err && typeof err.stack === 'string';
  return hasStack ? { fields: others, stack: String(err.stack).split('\n') } : { fields, stack: [] };
}

function valueText(value: unknown): string {
  if (typeof value === 'string' && PLAIN_TEXT.test(value)) return value;
  return escape(JSON.stringify(value));
}

function escape(text: string): string {
  return text.replace(
    NOT_FOR_A_TERMINAL,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
