// Reads the context that an operator typed: one property on each line, which is quick on a phone, or a JSON object as logs have it.

export type Context = Readonly<Record<string, string | number | boolean | null>>;

export type ReadContext =
  | { readonly kind: 'context'; readonly context: Context }
  /** `message`: for whoever typed it. */
  | { readonly kind: 'fault'; readonly message: string };

export function readContext(text: string): ReadContext {
  return text.trimStart().startsWith('{') ? readJson(text) : readLines(text);
}

function readJson(text: string): ReadContext {
  try {
    // What begins with a brace is an object, or no JSON.
    return toContext(Object.entries(JSON.parse(text) as Readonly<Record<string, unknown>>));
  } catch (error) {
    return fault(`The context is not JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function readLines(text: string): ReadContext {
  const properties = new Map<string, unknown>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [name = '', value] = line.split(/:(.*)/s).map((part) => part.trim());
    if (name === '' || value === undefined) {
      return fault(`Line ${index + 1} of the context is not a property: write it as "name: value".`);
    }
    if (properties.has(name)) return fault(`Line ${index + 1} of the context gives "${name}" once more.`);
    properties.set(name, valueOf(value));
  }
  return toContext([...properties]);
}

/** Numbers, `true`, `false`, `null` and texts in quotes as JSON has them; anything else is a text as it stands. */
function valueOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // The id of a user, rounded, would be another user's.
    return typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER ? text : value;
  } catch {
    return text;
  }
}

function toContext(properties: readonly (readonly [string, unknown])[]): ReadContext {
  const wrong = properties.find(([, value]) => !isScalar(value));
  if (wrong === undefined) return { kind: 'context', context: Object.fromEntries(properties) as Context };
  return fault(`"${wrong[0]}" has to be a text, a number, true, false or null.`);
}

function isScalar(value: unknown): boolean {
  // JSON has larger numbers than can be sent.
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

function fault(message: string): ReadContext {
  return { kind: 'fault', message };
}
