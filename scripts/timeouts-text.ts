// docs/timeouts.md as text, made from the table of timeouts, the settings, and the numbers in the sources.
import { readFileSync } from 'node:fs';
import { settings } from '../src/config/settings.js';
import { TIMEOUTS, type Source, type Timeout } from './timeouts-table.js';

const HEAD = `# Timeouts

Every timeout of the proxy, and of the libraries below it where these measure one. This page is made from
\`scripts/timeouts-table.ts\`, the settings and the sources by \`npm run docs\`; a test holds it equal to them, and looks for
timeouts that are missing here.
`;

const COLUMNS = `
| what | time | measured by | held by |
| --- | --- | --- | --- |
`;

export function timeoutsText(): string {
  const sections = Object.entries(TIMEOUTS).map(
    ([title, timeouts]) => `\n## ${title}\n${COLUMNS}${timeouts.map(toRow).join('')}`,
  );
  return HEAD + sections.join('');
}

function toRow({ what, time, by = 'the proxy', note, test }: Timeout): string {
  const held = `\`${test[0]}\``;
  return `| ${note === undefined ? what : `${what}; ${note}`} | ${timeText(time)} | ${by} | ${held} |\n`;
}

function timeText(source: Source): string {
  if ('file' in source) return inWords(readMs(source.file, source.name));
  const row = settings[source.setting];
  return `\`--${row.flag}\`, ${String('default' in row ? row.default : '')} s`;
}

/** The milliseconds that a constant, or a member, of a source is set to. */
export function readMs(file: string, name: string): number {
  const text = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8');
  const [, product] = new RegExp(`\\b${name}(?: =|:) ([\\d_]+(?: \\* [\\d_]+)*)[;,]`).exec(text) ?? [];
  if (product === undefined) throw new Error(`src/${file} has no number called ${name}`);
  return product.split(' * ').reduce((ms, factor) => ms * Number(factor.replaceAll('_', '')), 1);
}

function inWords(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms < 120_000 ? `${ms / 1_000} s` : `${ms / 60_000} min`;
}
