// The plots in docs/performance.md are what the measured curves make of them, and every one of them is shown.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readCurves, slopeOf } from '../../scripts/growth-curves.js';
import { plotOf } from '../../scripts/growth-plot.js';

const FOLDER = new URL('../../docs/performance/', import.meta.url);

test('each plot is drawn from its curve, and the page shows all of them', () => {
  const curves = readCurves();
  const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.svg'));
  assert.deepEqual(files.sort(), curves.map(({ name }) => `${name}.svg`).sort());
  for (const curve of curves) {
    const plot = readFileSync(new URL(`${curve.name}.svg`, FOLDER), 'utf8');
    assert.equal(plot, plotOf(curve), 'run `npm run docs`');
    assert.ok(page.includes(`(performance/${curve.name}.svg)`), curve.name);
  }
});

test('a slope is the exponent of a power, whatever stands before it', () => {
  const points = (power: number): [number, number][] => [1, 10, 1_000].map((x) => [x, 7 * x ** power]);
  for (const power of [-1, 0, 0.5, 1, 2]) {
    assert.ok(Math.abs(slopeOf({ points: points(power) }) - power) < 1e-9);
  }
});

test('a plot has a label for each point and each power of ten', () => {
  const plot = plotOf({
    name: 'a',
    title: 'A title',
    x: 'keys',
    y: 'MB',
    points: [
      [1, 50],
      [100, 2_500],
    ],
  });
  for (const label of ['A title', 'keys', 'MB', '1', '10', '100', '50', '2,500', '10,000']) {
    assert.ok(plot.includes(`>${label}</text>`), label);
  }
  assert.ok(plot.includes('grows with the power 0.85'));
});
