// Draws a curve of the benchmark growth as SVG: both axes by powers of ten, every point with its number, readable on light and dark pages.
import { slopeOf, type Curve } from './growth-curves.js';

const WIDTH = 560;
const HEIGHT = 320;
const LEFT = 70;
const RIGHT = 40;
const TOP = 52;
const BOTTOM = 54;
/** Both have a contrast of more than 3 to white and to GitHub's dark grey. */
const INK = '#7a828c';
const LINE = '#2f81d7';

/** Powers of ten around the numbers, one apart at least. */
interface Axis {
  readonly from: number;
  readonly to: number;
}

export function plotOf(curve: Curve): string {
  const xs = axisOf(curve.points.map(([x]) => x));
  const ys = axisOf(curve.points.map(([, y]) => y));
  const atX = (x: number): number => place(x, xs, LEFT, WIDTH - RIGHT);
  const atY = (y: number): number => place(y, ys, HEIGHT - BOTTOM, TOP);
  const path = curve.points.map(([x, y]) => `${atX(x)},${atY(y)}`).join(' ');
  const summary = curve.points.map(([x, y]) => `${x}: ${y}`).join(', ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12" fill="${INK}">`,
    `<title>${curve.title}</title>`,
    `<desc>${curve.y} by ${curve.x}: ${summary}</desc>`,
    text(WIDTH / 2, 20, curve.title, 'font-size="15" font-weight="bold"'),
    text(WIDTH / 2, 38, `grows with the power ${slopeOf(curve).toFixed(2)} of what is below`),
    ...powers(xs).flatMap((x) => [
      rule(atX(x), TOP, atX(x), HEIGHT - BOTTOM),
      text(atX(x), HEIGHT - BOTTOM + 18, shown(x)),
    ]),
    ...powers(ys).flatMap((y) => [
      rule(LEFT, atY(y), WIDTH - RIGHT, atY(y)),
      text(LEFT - 8, atY(y) + 4, shown(y), 'text-anchor="end"'),
    ]),
    text(WIDTH / 2, HEIGHT - 12, curve.x),
    text(0, 0, curve.y, `transform="translate(18 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"`),
    `<polyline points="${path}" fill="none" stroke="${LINE}" stroke-width="2"/>`,
    ...curve.points.flatMap(([x, y]) => [
      `<circle cx="${atX(x)}" cy="${atY(y)}" r="4" fill="${LINE}"/>`,
      text(atX(x), atY(y) - 10, shown(y), 'font-weight="bold"'),
    ]),
    '</svg>\n',
  ].join('\n');
}

function axisOf(numbers: readonly number[]): Axis {
  const from = Math.floor(Math.log10(Math.min(...numbers)));
  return { from, to: Math.max(from + 1, Math.ceil(Math.log10(Math.max(...numbers)))) };
}

function powers({ from, to }: Axis): number[] {
  return Array.from({ length: to - from + 1 }, (_none, at) => Number(`1e${from + at}`));
}

function place(value: number, { from, to }: Axis, start: number, end: number): number {
  const share = (Math.log10(value) - from) / (to - from);
  return Math.round((start + share * (end - start)) * 10) / 10;
}

function shown(value: number): string {
  return value.toLocaleString('en-GB', { maximumSignificantDigits: 3 });
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${INK}" stroke-opacity="0.3"/>`;
}

function text(x: number, y: number, words: string, more = ''): string {
  const anchor = more.includes('text-anchor') ? '' : ' text-anchor="middle"';
  return `<text x="${x}" y="${y}"${anchor}${more === '' ? '' : ` ${more}`}>${words}</text>`;
}
