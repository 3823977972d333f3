// Prometheus' text as a scraper reads it: the value of each series, and what promtool thinks of the whole.
import { spawnSync } from 'node:child_process';

export class MetricsPage {
  readonly text: string;
  readonly #values: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.text = text;
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.#values = new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  }

  /** Names with their labels, as they are written. */
  get series(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** The sum of all series of this name whose labels hold each of `labels`: `code="200"`. */
  sum(name: string, ...labels: readonly string[]): number | undefined {
    const found = [...this.#values].filter(
      ([series]) => series.split('{')[0] === name && labels.every((label) => series.includes(label)),
    );
    return found.length === 0 ? undefined : found.reduce((sum, [, value]) => sum + value, 0);
  }
}

export async function scrape(adminUrl: string): Promise<MetricsPage> {
  const answer = await fetch(`${adminUrl}/metrics`);
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
  return new MetricsPage(await answer.text());
}

/** What `promtool check metrics` says; empty where it has nothing to say. */
export function promtoolCheck(text: string): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return status === 0 ? '' : `${stdout}${stderr}`;
}
