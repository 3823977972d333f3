// The documents that repeat what the code says: held equal to it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { configurationText } from '../scripts/configuration-text.js';
import { monitoringText } from '../scripts/monitoring-text.js';
import { pageAnswersText } from '../scripts/page-answers-text.js';
import { boundsText, type Setting } from '../src/config/setting.js';
import { errorBody, type ErrorReason } from '../src/servers/http/error-reply.js';
import { settings } from '../src/config/settings.js';

const ROOT = new URL('..', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

test('docs/configuration.md is what the settings table makes of it', () => {
  assert.equal(read('docs/configuration.md'), configurationText(), 'run `npm run docs`');
});

test('docs/monitoring.md is what the catalogue of events makes of it', () => {
  assert.equal(read('docs/monitoring.md'), monitoringText(), 'run `npm run docs`');
});

test('src/page/api-answers.ts is what the description of the API makes of it', async () => {
  assert.equal(read('src/page/api-answers.ts'), await pageAnswersText(), 'run `npm run docs`');
});

/** The strings of each union type that src exports by a name on …Reason, wherever it stands. */
function reasonTypes(): ReadonlyMap<string, readonly string[]> {
  const config = ts.getParsedCommandLineOfConfigFile(
    fileURLToPath(new URL('tsconfig.json', ROOT)),
    undefined,
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) =>
        assert.fail(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')),
    },
  );
  assert.ok(config !== undefined);
  const program = ts.createProgram(config.fileNames, config.options);
  const checker = program.getTypeChecker();
  const modules = config.fileNames.flatMap((name) => {
    const file = program.getSourceFile(name);
    return (file && checker.getSymbolAtLocation(file)) ?? [];
  });
  const exported = modules.flatMap((module) => checker.getExportsOfModule(module));
  return new Map(
    exported
      .filter(({ name, flags }) => name.endsWith('Reason') && (flags & ts.SymbolFlags.TypeAlias) !== 0)
      .map((symbol) => {
        const type = checker.getDeclaredTypeOfSymbol(symbol);
        const strings = (type.isUnion() ? type.types : [type]).filter((each) => each.isStringLiteral());
        return [symbol.name, strings.map(({ value }) => value)];
      }),
  );
}

const { ErrorReason: ofErrors = [], ...ofFailures } = Object.fromEntries(reasonTypes());

test('every reason of an error stands in docs/endpoints.md with its status', () => {
  assert.ok(ofErrors.length > 10);
  const page = read('docs/endpoints.md');
  for (const reason of ofErrors) {
    const { code } = errorBody(reason as ErrorReason, '');
    assert.match(page, new RegExp(`\\| ${code} \\| \`${reason}\``), reason);
  }
});

test('every reason of a failure stands in docs/reasons.md', () => {
  const page = read('docs/reasons.md');
  assert.ok(Object.keys(ofFailures).length >= 5);
  for (const [name, reasons] of Object.entries(ofFailures)) {
    assert.ok(reasons.length > 0, name);
    for (const reason of reasons)
      assert.ok(page.includes(`\`${reason}\``), `${reason} of ${name} is missing`);
  }
});

/** The messages of log lines in src, up to what follows from them or is filled in. */
function logMessages(): readonly string[] {
  const files = readdirSync(new URL('src', ROOT), { recursive: true }).map((name) => `src/${String(name)}`);
  return files
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const messages: string[] = [];
      const visit = (node: ts.Node): void => {
        ts.forEachChild(node, visit);
        if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
        const { expression, name: method } = node.expression;
        if (!/\blog$/.test(expression.getText()) || !/^(?:info|warn|error|fatal)$/.test(method.text)) return;
        const message = node.arguments.at(-1);
        if (message === undefined) return;
        for (const part of ts.isConditionalExpression(message)
          ? [message.whenTrue, message.whenFalse]
          : [message]) {
          if (ts.isStringLiteral(part)) messages.push(part.text);
          if (ts.isTemplateExpression(part)) messages.push(part.head.text);
        }
      };
      visit(ts.createSourceFile(name, read(name), ts.ScriptTarget.Latest, true));
      return messages;
    })
    .map((message) => (message.split(':')[0] ?? '').trim())
    .filter((message) => message !== '');
}

test('every log line stands in docs/log-lines.md', () => {
  const messages = logMessages();
  const page = read('docs/log-lines.md');
  assert.ok(messages.length > 40);
  assert.deepEqual(
    messages.filter((message) => !page.includes(`\`${message}`)),
    [],
  );
});

/** For operators; beyond 160 characters a cell has more than two lines. */
const CELL_CHARACTERS_MAX = 160;
const WITH_SHORT_CELLS = [
  'access',
  'cache',
  'doctor',
  'endpoints',
  'id-lists',
  'log-events',
  'log-lines',
  'migrating',
  'operations',
  'reasons',
  'tls',
];

test('no cell of the operators’ tables has more than two lines, code aside', () => {
  for (const name of WITH_SHORT_CELLS) {
    for (const row of read(`docs/${name}.md`)
      .split('\n')
      .filter((line) => line.startsWith('|'))) {
      const texts = row.replace(/`[^`]*`/g, '').replace(/\]\([^)]*\)/g, ']');
      for (const cell of texts.split('|')) assert.ok(cell.trim().length <= CELL_CHARACTERS_MAX, row);
    }
  }
});

test('each step of the way over names the tests that run it, or says that none does', () => {
  const tables = read('docs/migrating.md')
    .split(/\n(?=#+ )/)
    .flatMap((section) => section.split('\n\n'));
  const steps = tables
    .filter((table) => /^\|[^|]*\| proved by \|/.test(table))
    .flatMap((table) => table.trim().split('\n').slice(2));
  assert.ok(steps.length > 20, String(steps.length));
  for (const step of steps) {
    const [, , proof = ''] = step.split(' | ').join('|').split('|');
    const files = [...proof.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, file]) => file ?? '');
    assert.ok(files.length > 0 || proof.startsWith('not run'), step);
    for (const file of files) assert.doesNotThrow(() => read(`test/${file}`), step);
  }
});

test('links between the documents lead somewhere', () => {
  const pages = [
    ...readdirSync(ROOT),
    ...readdirSync(new URL('docs', ROOT)).map((name) => `docs/${name}`),
    ...readdirSync(new URL('examples', ROOT)).map((name) => `examples/${name}/README.md`),
  ];
  for (const page of pages.filter((name) => name.endsWith('.md'))) {
    for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      assert.doesNotThrow(
        () => readFileSync(new URL(target, new URL(page, ROOT))),
        `${page} links to ${target}`,
      );
    }
  }
});

test('a text setting says its bounds in words that fit the table', () => {
  for (const setting of Object.values(settings) as Setting[]) {
    assert.ok(!boundsText(setting).includes('|') && !setting.help.includes('|'), setting.flag);
  }
});
