// The forms of JSON Schema that the description of /api/v1 is made of.

/** What of JSON Schema is used, as its readers see it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

export const TEXT = { type: 'string' } as const;
export const FLAG = { type: 'boolean' } as const;
/** A count, or a version. */
export const NUMBER = { type: 'integer', minimum: 0 } as const;
export const SECONDS = { type: 'number' } as const;
export const TIME = { type: ['string', 'null'], format: 'date-time' } as const;
export const OPTIONAL_TEXT = { type: ['string', 'null'] } as const;
export const OPTIONAL_NUMBER = { type: ['integer', 'null'] } as const;
export const OPTIONAL_SECONDS = { type: ['number', 'null'] } as const;

/** Every member is always there. */
export function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) };
}

export function listOf(items: object): object {
  return { type: 'array', items };
}

export function schema(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

/** The members of several descriptions together. */
export function all(...of: readonly object[]): object {
  return { allOf: of };
}

export function optional(of: object): object {
  return { anyOf: [of, { type: 'null' }] };
}

/** An object whose members depend on the settings, or are named by what they count. */
export const OPEN_OBJECT = { type: 'object' } as const;
export const OPTIONAL_OPEN_OBJECT = { type: ['object', 'null'] } as const;

export const OF_SPEC = { keyHash: TEXT, api: TEXT, format: { enum: ['json', 'protobuf'] } };
export const SOURCES = ['origin', 'redis', 'disk', 'operator'];
