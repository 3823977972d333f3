// The documents that repeat what the code says: held equal to it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { configurationText } from '../scripts/configuration-text.js';
import { monitoringText } from '../scripts/monitoring-text.js';
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

test('every reason of a failure stands in docs/operations.md', () => {
  const page = read('docs/operations.md');
  assert.ok(Object.keys(ofFailures).length >= 5);
  for (const [name, reasons] of Object.entries(ofFailures)) {
    assert.ok(reasons.length > 0, name);
    for (const reason of reasons)
      assert.ok(page.includes(`\`${reason}\``), `${reason} of ${name} is missing`);
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
