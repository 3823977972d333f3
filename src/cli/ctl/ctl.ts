// The command `ctl`: what the admin port's API can do, for people at a terminal and for their scripts.
import { readFileSync } from 'node:fs';
import type { Clock } from '../../domain/clock.js';
import { AdminClient, AdminFault } from './admin-client.js';
import { CTL_COMMANDS, CTL_HELP, readCtlLine, type CtlCommand, type CtlLine } from './ctl-line.js';
import { namesOf, pathOf, specsMeant, type ListedSpec } from './spec-names.js';
import { asTable, withoutControls } from './table.js';

export interface CtlReport {
  readonly status: 'done' | 'failed' | 'wrong options';
  /** For standard output where it is done, else for standard error. */
  readonly text: string;
}

/** `args`: what follows `ctl`. */
export async function runCtl(clock: Clock, args: readonly string[]): Promise<CtlReport> {
  if (args.length === 0 || args.includes('--help') || args.includes('-h'))
    return { status: 'done', text: CTL_HELP };
  const line = readCtlLine(args);
  if (typeof line === 'string') return { status: 'wrong options', text: `${line}\n` };
  try {
    const token = line.tokenFile === '' ? '' : readFileSync(line.tokenFile, 'utf8').trim();
    const answer = await RUNS[line.command](new AdminClient(clock, line.admin, token), line);
    const text = line.isJson ? JSON.stringify(answer.json, null, 2) : withoutControls(answer.text);
    return { status: 'done', text: `${text}\n` };
  } catch (error) {
    const isExpected = error instanceof AdminFault || (error instanceof Error && 'code' in error);
    if (!isExpected) throw error;
    return { status: 'failed', text: `${withoutControls(error.message)}\n` };
  }
}

interface Answer {
  readonly json: unknown;
  readonly text: string;
}

type Run = (client: AdminClient, line: CtlLine) => Promise<Answer>;

const RUNS: Readonly<Record<CtlCommand, Run>> = {
  status: async (client) => statusText(await client.get('/status')),
  specs: async (client) => table(await listed(client), SPEC_COLUMNS),
  names: async (client) => {
    const names = namesOf(await listed(client));
    return { json: names, text: names.join('\n') };
  },
  completion: () => Promise.resolve({ json: { bash: COMPLETION }, text: COMPLETION }),
  versions: async (client, { operands: [name = ''] }) => {
    const answer = await client.get(`${pathOf(oneOf(await listed(client), name))}/versions`);
    return table((answer as { readonly versions: readonly object[] }).versions, VERSION_COLUMNS);
  },
  diff: async (client, { operands: [name = '', from = '', to = ''] }) => {
    const path = pathOf(oneOf(await listed(client), name));
    return diffText(await client.get(`${path}/diff?${new URLSearchParams({ from, to }).toString()}`));
  },
  holds: async (client) => {
    const answer = await client.get('/api/v1/holds');
    return table((answer as { readonly holds: readonly object[] }).holds, HOLD_COLUMNS);
  },
  audit: async (client, { lines }) => {
    const answer = await client.get(`/api/v1/audit?lines=${lines}`);
    return table((answer as { readonly lines: readonly object[] }).lines, AUDIT_COLUMNS);
  },
  freeze: order,
  rollback: order,
  release: order,
  refuse: order,
};

const SPEC_COLUMNS = 'sdkKey keyHash api format version versionAt bytes confirmedAgoS source'.split(' ');
const VERSION_COLUMNS = 'version versionAt heldAt source replica hash bytes'.split(' ');
const HOLD_COLUMNS = 'keyHash api format action state version bodyOf servedHere who reason until'.split(' ');
const AUDIT_COLUMNS = 'seq at replica action who address keyHash api format old new reason'.split(' ');
const ORDER_COLUMNS = 'api format action state version bodyOf until isEverywhere'.split(' ');

/** For all specs that are meant; where one of several cannot be done, the others are, and the fault names it. */
async function order(client: AdminClient, { command, operands, reason, forS }: CtlLine): Promise<Answer> {
  const [name = '', version] = operands;
  const body = {
    ...(command === 'release' ? {} : { reason }),
    ...(forS === undefined || command === 'release' ? {} : { forS }),
    ...(version === undefined ? {} : { version: Number(version) }),
  };
  const done: object[] = [];
  const faults: string[] = [];
  for (const spec of specsMeant(await listed(client), name)) {
    try {
      const { hold, isEverywhere } = (await client.post(`${pathOf(spec)}/${command}`, body)) as {
        readonly hold: object;
        readonly isEverywhere: boolean;
      };
      done.push({ ...hold, isEverywhere });
    } catch (error) {
      if (!(error instanceof AdminFault)) throw error;
      faults.push(`${spec.api}/${spec.format}: ${error.message}`);
    }
  }
  if (faults.length > 0) throw new AdminFault([...faults, `done for ${done.length} of them`].join('\n'));
  return table(done, ORDER_COLUMNS);
}

/** Of one answer: as many as there may be. */
const SPECS_AT_ONCE = '1000';

async function listed(client: AdminClient): Promise<readonly ListedSpec[]> {
  const all: ListedSpec[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({ limit: SPECS_AT_ONCE, cursor });
    const { specs, next } = (await client.get(`/api/v1/specs?${query.toString()}`)) as SpecsAnswer;
    all.push(...specs);
    cursor = next;
  }
  return all;
}

interface SpecsAnswer {
  readonly specs: readonly ListedSpec[];
  readonly next: string | null;
}

function oneOf(specs: readonly ListedSpec[], text: string): ListedSpec {
  const meant = specsMeant(specs, text);
  const [only] = meant;
  if (only === undefined || meant.length > 1)
    throw new AdminFault(`'${text}' are ${meant.length} specs: name one as ${namesOf(meant).join(' or ')}`);
  return only;
}

function table(rows: readonly object[], columns: readonly string[]): Answer {
  return { json: rows, text: asTable(rows as readonly Readonly<Record<string, unknown>>[], columns) };
}

function statusText(json: unknown): Answer {
  const { status, problems = [] } = json as {
    readonly status?: unknown;
    readonly problems?: readonly Readonly<Record<string, unknown>>[];
  };
  const rows = asTable(problems, ['severity', 'reason', 'since', 'count', 'what', 'remedy']);
  return { json, text: [String(status), ...(problems.length > 0 ? [rows] : [])].join('\n') };
}

interface Names {
  readonly count: number;
  readonly names: readonly string[];
}

function diffText(json: unknown): Answer {
  const { groups } = json as { readonly groups: Readonly<Record<string, GroupOfDiff>> };
  const lines = Object.entries(groups).flatMap(([group, { added, removed, changed, details }]) => [
    ...namesText(`+ ${group}`, added),
    ...namesText(`- ${group}`, removed),
    ...namesText(`~ ${group}`, changed),
    ...details.flatMap(({ name, fields, rules }) =>
      [...fields, ...rules].flatMap((change) => [
        `    ${name} ${change.name}`,
        ...('before' in change ? [`      - ${JSON.stringify(change.before)}`] : []),
        ...('after' in change ? [`      + ${JSON.stringify(change.after)}`] : []),
      ]),
    ),
  ]);
  return { json, text: lines.length === 0 ? 'no difference' : lines.join('\n') };
}

interface GroupOfDiff {
  readonly added: Names;
  readonly removed: Names;
  readonly changed: Names;
  readonly details: readonly {
    readonly name: string;
    readonly fields: readonly ChangeOfDiff[];
    readonly rules: readonly ChangeOfDiff[];
  }[];
}

interface ChangeOfDiff {
  readonly name: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

function namesText(what: string, { count, names }: Names): readonly string[] {
  if (count === 0) return [];
  const more = count > names.length ? `, and ${count - names.length} more` : '';
  return [`${what} (${count}): ${names.join(', ')}${more}`];
}

const COMPLETION = `_spec_forward_proxy_ctl() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  if [ "\${COMP_WORDS[1]}" != ctl ]; then return; fi
  if [ "$COMP_CWORD" = 2 ]; then COMPREPLY=($(compgen -W "${CTL_COMMANDS.join(' ')}" -- "$word"))
  elif [ "$COMP_CWORD" = 3 ]; then
    COMPREPLY=($(compgen -W "$(spec-forward-proxy ctl names \${SFP_CTL_OPTIONS-} 2>/dev/null)" -- "$word"))
  fi
}
complete -F _spec_forward_proxy_ctl spec-forward-proxy`;
