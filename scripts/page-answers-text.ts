// src/page/api-answers.ts as text: the types of what /api/v1 answers, made from its description, so that the page imports nothing of the daemon.
import { format } from 'prettier';
import { OPENAPI } from '../src/servers/admin/openapi.js';
import type { Schema } from '../src/servers/admin/openapi/schema-forms.js';

const HEAD = `// The types of what /api/v1 answers: made from src/servers/admin/openapi.ts by \`npm run docs\`; a test holds them equal.
`;

const NAMES: Readonly<Record<string, string>> = { integer: 'number' };

export async function pageAnswersText(): Promise<string> {
  const types = Object.entries(OPENAPI.components.schemas as Readonly<Record<string, Schema>>).map(
    ([name, schema]) => `export type ${name} = ${typeOf(schema)};`,
  );
  return format(`${HEAD}\n${types.join('\n\n')}\n`, {
    parser: 'typescript',
    printWidth: 110,
    singleQuote: true,
  });
}

function typeOf(schema: Schema): string {
  const { $ref, allOf, anyOf, enum: values } = schema;
  if ($ref !== undefined) return $ref.split('/').at(-1) ?? '';
  if (allOf !== undefined) return allOf.map(typeOf).join(' & ');
  if (anyOf !== undefined) return `(${anyOf.map(typeOf).join(' | ')})`;
  if (values !== undefined) return `(${values.map((value) => JSON.stringify(value)).join(' | ')})`;
  const types = [schema.type ?? []].flat().map((type) => ofType(type, schema));
  return types.length === 0 ? 'unknown' : types.join(' | ');
}

function ofType(type: string, { items = {}, properties, required = [] }: Schema): string {
  switch (type) {
    case 'array':
      return `readonly (${typeOf(items)})[]`;
    case 'object': {
      if (properties === undefined) return 'Readonly<Record<string, unknown>>';
      if (Object.keys(properties).length === 0) return 'Readonly<Record<string, never>>';
      const members = Object.entries(properties).map(
        ([name, schema]) => `readonly ${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`,
      );
      return `{ ${members.join(' ')} }`;
    }
    default:
      return NAMES[type] ?? type;
  }
}
