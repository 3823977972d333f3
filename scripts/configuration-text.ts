// docs/configuration.md as text, made from the settings table.
import { BUDGET } from '../src/app/budget.js';
import { boundsText, type ForeignVariable, type Setting } from '../src/config/setting.js';
import { IDLE_OPTIONS, type IdleOption } from '../src/config/sfp-leftovers.js';
import { googleVariables } from '../src/config/google-variables.js';
import { exporterVariables, otelVariables } from '../src/config/otel-variables.js';
import type { OwnOption } from '../src/config/own-options.js';
import { settingGroups } from '../src/config/settings.js';
import { SUBCOMMANDS } from '../src/config/subcommand-options.js';

const HEAD = `# Configuration

This page is made from the settings table (\`src/config/settings.ts\`) by \`npm run docs\`; a test holds the two equal.

\`\`\`
spec-forward-proxy [options] <MODE> <CACHE>
spec-forward-proxy health [options]
${SUBCOMMANDS.map(({ usage }) => `spec-forward-proxy ${usage}`).join('\n')}
\`\`\`

\`MODE\` is \`http\`, \`grpc\` or \`grpc-and-http\`; \`CACHE\` is \`disabled\`, \`local\` or \`redis\`: [which one](cache.md#which-cache).

Every setting is an option and an environment variable. An option beats its variable, a variable beats the default,
and an empty variable counts as not set. Names of variables count in any case. All faults are reported together, each
with its reason, and the exit status is 2.

\`--help\` prints the settings in **bold**, \`--help-all\` all of them.
`;

const TABLE_HEAD = `| option | variable | default | values | what it does |
| --- | --- | --- | --- | --- |`;

const IDLE_HEAD = `
## Options of SFP without effect

They are accepted, so that a command line written for SFP 4.1 to 4.5 starts; each that is given is logged with these words.

| option | what is done instead |
| --- | --- |
`;

const SUBCOMMAND_HEAD = `
## Options of \`doctor\` and \`shadow\`

They stand behind the command's name, beside the daemon's own options, and have no variables: [doctor](doctor.md),
[shadow](migrating.md#compare).

| command | option | default | values | what it does |
| --- | --- | --- | --- | --- |
`;

const OTEL_HEAD = `
## OpenTelemetry

With \`--otlp-logging\` these variables count, in any case; [what is sent](monitoring.md#opentelemetry). For \`OTEL_EXPORTER_OTLP_…\` there are also
\`OTEL_EXPORTER_OTLP_METRICS_…\` and \`OTEL_EXPORTER_OTLP_TRACES_…\`, which count before it for that signal.

| variable | default | values | what it does |
| --- | --- | --- | --- |
`;

const GOOGLE_HEAD = `
## Google Cloud

Where [profiles may be sent to Google Cloud](operations.md#profiles-in-google-cloud) these variables count, in any case. One that cannot be
used is left out, with a line that says so.

| variable | default | values | what it does |
| --- | --- | --- | --- |
`;

/** What clients may hold, from the table that the code has. */
const BUDGET_HEAD = `## What clients may hold

Strangers can reach the ports, so what they can hold is bounded, together with what known clients hold. Probes and SDKs that were
served before have room of their own. Where a limit is reached, a line \`clients reached a limit\` says so, once a minute at most,
\`tables\` of \`/status\` counts it as \`reached\`, and it is a [problem](reasons.md#problems) for five minutes.

| in \`/status\` | what | limit | beyond it |
| --- | --- | --- | --- |
${BUDGET.map(({ gauge, what, limit, beyond }) => `| \`${gauge}\` | ${what} | ${limit} | ${beyond} |`).join('\n')}

- The shares of the ports: all connections together are at most what the process may open (\`ulimit -n\`) less 256, or less a quarter
  where that is fewer, and take at most a quarter of memory, at 20 KiB each. What one port does not ask for goes to the others.
- Memory is the smaller of Node's heap limit (\`--max-old-space-size\`) and the container's limit.

`;

const TAIL = `
TLS and its settings together: [tls.md](tls.md). Certificate authorities can also be added for the whole process by Node's own \`NODE_EXTRA_CA_CERTS\`.

${BUDGET_HEAD}## Limits that are not settings

All timeouts, settings and others, have [a page of their own](timeouts.md).

| what | limit |
| --- | --- |
| an SDK key | 1 to 256 characters of \`A-Z a-z 0-9 - _ . ~\` |
| request line and headers | 16 KiB |
| body of a \`POST\`, but for log events | 64 KiB |
| headers of a request | 15 s to arrive, up to 20 s as it is checked every 5 s |
| a whole request | 30 s to arrive, up to 35 s likewise |
| a connection in use | 75 s without a byte in either direction |
| age of a connection to an origin | 2.5 to 5 minutes, then another takes its place; \`--http-connection-pool-idle-timeout-in-s\` without a request |
| HTTP/2 connections to one origin | 2, the second where the first has no stream left |
| redirects of the origin | 3 |
| \`Retry-After\` of the origin | kept to for 10 minutes at most |
| failures of first fetches remembered | 1 s, or as long as the origin's \`Retry-After\` says; 10,000 of them |
| refusals remembered | 10 s; 10,000 of them |
| first fetches that wait for their turn | 1,000 of known keys and 1,000 of others, for 10 s |
| first fetches of keys that are not known (pinned, held in any format, or held in the last day and not refused since) | three quarters of \`--cold-fetches-max\` |
| a command to Redis | 1 s; for the states of many specs 1 ms more for each, of up to 1,000 at one time |
| a body on its way to or from Redis | 5 s, and 1 s more for each MB on its way |
| a spec in Redis that a client waits for | 1.5 s for all of it; then the origin is asked |
| bodies on their way to Redis, from it for clients, from it for nobody | 4 of each at one time; of each 10,000 that wait, for 30 s |
| pauses between attempts to reach Redis | 0.1 s to 5 s |
| connections replaced because Redis takes no writes | one in 5 s |
| age of a connection to Redis | 5 to 10 minutes; then another is opened, and takes its place |
| backups read, and written, at one time | 16, and 8 to each place; as many of remote values |
| files in the directory | 10 for each of \`--maximum-concurrent-sdk-keys\`; the longest unconfirmed go first |
| reading a spec from the directory | 2 s, then the origin is asked |
| writing a spec to the directory | 30 s; 120 s to wait for its turn |
| the directory at a start, and at a stop | 2 s, and 1 s |
| compressed forms in the making, deltas among them | 2 at one time, and 1 of remote values |
| versions of a spec kept for deltas | 4 of each spec, 64 MiB in all; only of specs that a client asked for a delta of |
| a remote value | 10 MiB; 1,000 of them are fetched for one spec |
| access tokens | 1,000 in their file; 100 keys of an issuer, in 1 MiB |
| spans that wait for their export | 2,048; what comes beyond is not sent |
| a manifest of ID lists | 4 MiB after decompression, about 20,000 lists |
| hosts that a manifest's urls are made for | 16 that were asked for within 2 minutes, besides the addresses of the proxy |
| a manifest asked for anew, for a file that it does not list | once in 5 s |
| files that are listed no more | 10 minutes; 10,000 of them |
| files of ID lists being fetched | 8 of one host and 64 of all at one time; 1,000 of one host and 4,000 of all wait, for 60 s |
| files of ID lists being passed through | 16 at one time; one that takes over a minute gives way to another |
| reading a file of an ID list from its copy | 30 minutes |
| a message that a gRPC client sends | 4 KiB, 10 s from the begin of its call; 16 KiB of headers |
| gRPC calls on one connection | 100, and as many as there may be streams |
| gRPC calls that one connection starts | 1,000 per second, and as many as there may be streams at once |
| gRPC calls answered in one turn of the event loop | 50 |
| a TLS handshake | 10 s |
| requests over HTTP/2 | 100 at one time on one connection, 1,000 per second and 100 at once; as many in all as there may be HTTP connections |
| a connection of gRPC or HTTP/2 without an open call | 75 s |
| specs that wait for one gRPC client | 1, the newest, besides the one being sent |
| silence on a gRPC stream | 30 s, then a heartbeat |
| requests on one HTTP connection that wait for their answers | 16 |
| deliveries of log events in flight | 64, one per SDK key |
| retries of SDK keys that the origin is not known to take, and of batches that stepped aside | 5 a second for all together |
| a look into a batch | 5 s, 128 in line, 16 of one SDK key; text over 16 MiB, or with over 100,000 events, is not searched for exposures |
| nesting of a batch | 512 levels |
| log events of one SDK key | as much as is free, beyond an eighth kept back for keys that hold up to 0.5 % |
| log events of SDK keys that the origin is not known to take | an eighth of the queue, shared in the same way |
| log events of a refused SDK key | three days |
| a batch that fails while later ones of its key are taken; answers of 404 | an hour |
| exposures remembered | five to ten minutes |
| dead letters | 64 MiB |
| SDK keys with counts of log events | 1,000 without a waiting batch |
| a stop | 5 s; 10 s with gRPC; longer with a longer \`--log-event-stop-timeout-in-s\` |
`;

export function configurationText(): string {
  const tables = settingGroups.map(({ title, settings }) => {
    const rows = (Object.values(settings) as Setting[]).map(toRow);
    return `\n## ${title}\n\n${TABLE_HEAD}\n${rows.join('\n')}\n`;
  });
  return `${HEAD}${tables.join('')}${OTEL_HEAD}${otelRows()}${GOOGLE_HEAD}${googleRows()}${SUBCOMMAND_HEAD}${subcommandRows()}${IDLE_HEAD}${IDLE_OPTIONS.map(toIdleRow).join('')}${TAIL}`;
}

function subcommandRows(): string {
  return SUBCOMMANDS.flatMap(({ name, options }) =>
    (Object.values(options) as OwnOption[]).map((option) => {
      const value = option.kind === 'switch' || option.default === '' ? '' : `\`${option.default}\``;
      const values = option.kind === 'integer' ? `${boundsText(option)} ${option.unit}` : boundsText(option);
      return `| \`${name}\` | \`--${option.flag}\` | ${value} | ${values} | ${option.help} |\n`;
    }),
  ).join('');
}

function otelRows(): string {
  const rows: readonly (readonly [string, ForeignVariable])[] = [
    ...Object.entries(otelVariables),
    ...Object.entries(exporterVariables).map(
      ([name, variable]) => [`OTEL_EXPORTER_OTLP_${name}`, variable] as const,
    ),
  ];
  return rows.map(toVariableRow).join('');
}

function googleRows(): string {
  return Object.entries(googleVariables).map(toVariableRow).join('');
}

function toVariableRow([name, { rule, help, default: value }]: readonly [string, ForeignVariable]): string {
  const values = rule.kind === 'integer' ? `${boundsText(rule)} ${rule.unit}` : boundsText(rule);
  return `| \`${name}\` | ${value} | ${values} | ${help} |\n`;
}

function toIdleRow({ flags, instead }: IdleOption): string {
  return `| ${flags.map((flag) => `\`--${flag}\``).join(', ')} | ${instead} |\n`;
}

function toRow(setting: Setting): string {
  const short = setting.short === undefined ? '' : `\`-${setting.short}\`, `;
  const alias = setting.alias === undefined ? '' : `, \`--${setting.alias}\``;
  const option = `${short}\`--${setting.flag}\`${alias}`;
  const cells = [
    setting.isCommon === true ? `**${option}**` : option,
    `\`${setting.env}\``,
    setting.default === '' || setting.default === undefined ? '' : `\`${setting.default}\``,
    setting.kind === 'integer' ? `${boundsText(setting)} ${setting.unit}` : boundsText(setting),
    setting.help,
  ];
  return `| ${cells.join(' | ')} |`;
}
