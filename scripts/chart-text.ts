// chart/README.md, made from the comments in the chart's values.
import { readFileSync } from 'node:fs';
import { isMap, isScalar, parseDocument, type Pair, type Scalar, type YAMLMap } from 'yaml';

const VALUES = new URL('../chart/values.yaml', import.meta.url);

const HEAD = `# Helm chart

This page is made from the comments in \`values.yaml\` by \`npm run docs\`; a test holds the two equal. How the chart is used:
[docs/kubernetes.md](../docs/kubernetes.md).

| value | default | what it does |
| --- | --- | --- |
`;

export interface ChartValue {
  readonly path: string;
  readonly defaultJson: string;
  readonly help: string;
}

/** Every value that has a comment with \`--\`, in the order of the file. */
export function chartValues(): readonly ChartValue[] {
  const document = parseDocument(readFileSync(VALUES, 'utf8'));
  if (!isMap(document.contents)) throw new Error('values.yaml is not a map');
  return under(document.contents, '');
}

export function chartText(): string {
  const rows = chartValues().map(
    ({ path, defaultJson, help }) => `| \`${path}\` | \`${defaultJson}\` | ${help} |`,
  );
  return `${HEAD}${rows.join('\n')}\n`;
}

function under(map: YAMLMap, prefix: string): ChartValue[] {
  return (map.items as Pair<Scalar<string>>[]).flatMap((pair, index) => {
    const path = `${prefix}${pair.key.value}`;
    // The parser gives the comment of a map's first key to the map.
    const comment = pair.key.commentBefore ?? (index === 0 ? map.commentBefore : undefined);
    const help = /^ ?-- (.*)$/m.exec(comment ?? '')?.[1];
    if (help !== undefined) {
      const value: unknown = isScalar(pair.value)
        ? pair.value.value
        : (pair.value as YAMLMap | null)?.toJSON();
      return [{ path, defaultJson: JSON.stringify(value), help }];
    }
    if (!isMap(pair.value)) throw new Error(`${path} of values.yaml has no comment`);
    return under(pair.value, `${path}.`);
  });
}
