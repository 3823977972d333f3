// The configs of one project and environment as a Replane server holds them, told to the streams that are open.

export type ReplaneCondition =
  | { readonly operator: 'and' | 'or'; readonly conditions: readonly ReplaneCondition[] }
  | { readonly operator: 'not'; readonly condition: ReplaneCondition }
  | {
      readonly operator: 'segmentation';
      readonly property: string;
      readonly fromPercentage: number;
      readonly toPercentage: number;
      readonly seed: string;
    }
  | {
      readonly operator:
        | 'equals'
        | 'in'
        | 'not_in'
        | 'less_than'
        | 'less_than_or_equal'
        | 'greater_than'
        | 'greater_than_or_equal';
      readonly property: string;
      /** Left out where it refers to a config that does not exist. */
      readonly value?: unknown;
    };

export interface ReplaneOverride {
  readonly name: string;
  readonly conditions: readonly ReplaneCondition[];
  readonly value: unknown;
}

export interface ReplaneConfig {
  readonly name: string;
  readonly value: unknown;
  readonly overrides: readonly ReplaneOverride[];
}

interface Held {
  readonly value: string;
  readonly overrides: string;
}

export class ReplaneProject {
  readonly #configs = new Map<string, Held>();
  readonly #listeners = new Set<(event: string) => void>();

  set(name: string, value: unknown, overrides: readonly ReplaneOverride[] = []): void {
    this.setText(name, JSON.stringify(value), JSON.stringify(overrides));
  }

  /** JSON is sent with the spaces, the order of members and the numbers of these texts. */
  setText(name: string, value: string, overrides = '[]'): void {
    this.hold(name, value, overrides);
    // The server writes the members of a change in another order than those of `init`.
    const config = `{"name":${JSON.stringify(name)},"overrides":${overrides},"value":${value}}`;
    for (const listener of this.#listeners) listener(`{"type":"config_change","config":${config}}`);
  }

  /** For those that come later: nobody is told. */
  hold(name: string, value: string, overrides: string): void {
    this.#configs.set(name, { value, overrides });
  }

  /** The server tells nobody. */
  delete(name: string): void {
    this.#configs.delete(name);
  }

  has(name: string): boolean {
    return this.#configs.has(name);
  }

  /** What the client holds already comes back, deleted configs included, overlaid by what is held here. */
  init(held: readonly ReplaneConfig[]): string {
    const configs = new Map<string, Held>();
    for (const { name, value, overrides } of held)
      configs.set(name, { value: JSON.stringify(value), overrides: JSON.stringify(overrides) });
    for (const [name, config] of this.#configs) configs.set(name, config);
    const texts = [...configs].map(
      ([name, { value, overrides }]) =>
        `{"name":${JSON.stringify(name)},"value":${value},"overrides":${overrides}}`,
    );
    return `{"type":"init","configs":[${texts.join(',')}]}`;
  }

  listen(listener: (event: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
