// The environment as settings see it: names in any case, as SFP takes them, and nothing that is empty.

export interface Variable {
  readonly text: string;
  /** Its name as it stands in the environment. */
  readonly source: string;
}

/** By names in upper case. */
export type Variables = ReadonlyMap<string, Variable>;

/** Of several spellings the one in upper case counts. An empty variable is how a chart says "not set". */
export function readVariables(env: Readonly<Record<string, string | undefined>>): Variables {
  const variables = new Map<string, Variable>();
  for (const [source, text] of Object.entries(env)) {
    const name = source.toUpperCase();
    if (text === undefined || text === '') continue;
    if (source === name || !variables.has(name)) variables.set(name, { text, source });
  }
  return variables;
}

/** A Service called `redis-enterprise` gives every pod beside it REDIS_ENTERPRISE_PORT=tcp://10.0.0.1:6379. */
export function isServiceAddress(text: string): boolean {
  return /^(?:tcp|udp|sctp):\/\//.test(text);
}

/** Of Kubernetes, for a Service called `sfp`, or `sfp-…`. */
export function isServiceVariable(name: string): boolean {
  return /^SFP_(?:\w+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT|PORT_\d+_(?:TCP|UDP|SCTP)\w*)$/.test(name);
}
