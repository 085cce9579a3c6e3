import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { getTableColumns } from 'drizzle-orm'
import * as pg from 'drizzle-orm/pg-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { Language, type Node, Parser } from 'web-tree-sitter'
import { systems } from '../../src/index.ts'
import { dartSource, dartType } from '../../src/registry/dart.ts'
import { dartFindings } from '../../src/registry/dart-check.ts'
import { integrationStatus, integrationType, organizationIntegrations } from '../../src/schema/index.ts'

const golden = 'tests/support/registry.dart'
const types: readonly string[] = integrationType.enumValues
const [first = ''] = types
/** Every label in a notation of Dart, the first perhaps in another. */
const written = (each: (label: string) => string, between = ', ') => types.map(each).join(between)
let parser: Parser

/** Parsers of the Dart grammar live in WebAssembly. */
beforeAll(async () => {
  await Parser.init()
  parser = new Parser()
  const grammar = createRequire(import.meta.url).resolve('tree-sitter-wasms/out/tree-sitter-dart.wasm')
  parser.setLanguage(await Language.load(grammar))
})

function parsed(source: string): Node {
  const tree = parser.parse(source)
  if (tree === null) throw new Error('the parser gave no tree')
  return tree.rootNode
}

describe('the Dart file', () => {
  test('is the golden one, the same every time', () => {
    expect(dartSource()).toBe(readFileSync(golden, 'utf8'))
    expect(dartSource()).toBe(dartSource())
  })

  test('has a type for any column that somebody adds, as the Data API answers it', () => {
    const mood = pg.pgEnum('mood', ['good', 'bad'])
    const added = pg.pgTable('added', {
      limit: pg.integer(),
      version: pg.bigint({ mode: 'number' }).notNull(),
      rate: pg.numeric().notNull(),
      ratio: pg.doublePrecision(),
      isPaused: pg.boolean().notNull(),
      from: pg.date(),
      short: pg.varchar({ length: 3 }).notNull(),
      labels: pg.text().array(),
      more: pg.jsonb().notNull(),
      syncedAt: pg.timestamp({ withTimezone: true }),
      mood: mood().notNull(),
      earlier: integrationStatus(),
    })
    const said = Object.entries(getTableColumns(added)).map(([field, column]) => {
      const { type, read, write = (own) => own } = dartType(column)
      return [type, read("'x'"), write(field)]
    })
    expect(said).toEqual([
      ['int?', "_typed<int?>(json['x'], 'x')", 'limit'],
      ['int', "_typed<int>(json['x'], 'x')", 'version'],
      ['num', "_typed<num>(json['x'], 'x')", 'rate'],
      ['num?', "_typed<num?>(json['x'], 'x')", 'ratio'],
      ['bool', "_typed<bool>(json['x'], 'x')", 'isPaused'],
      ['String?', "_typed<String?>(json['x'], 'x')", 'from'],
      ['String', "_typed<String>(json['x'], 'x')", 'short'],
      ['Object?', "_typed<Object?>(json['x'], 'x')", 'labels'],
      ['Object', "_typed<Object>(json['x'], 'x')", 'more'],
      ['DateTime?', "json['x'] == null ? null : _time(json['x'], 'x')", 'syncedAt?.toUtc().toIso8601String()'],
      ['String', "_typed<String>(json['x'], 'x')", 'mood'],
      ['String?', "json['x'] == null ? null : _label(json['x'], IntegrationStatus.values, 'x', strict)", 'earlier'],
    ])
  })

  test('is Dart to a real grammar, which refuses what is none', () => {
    expect(parsed(dartSource()).hasError).toBe(false)
    expect(parsed(dartSource().replace('final class', 'final clas')).hasError).toBe(true)
  })

  test('is strict only where it is told to be: no rule stops an installed app from reading a newer database', () => {
    const source = dartSource()
    expect(source).toContain(
      'factory OrganizationIntegration.fromJson(Map<String, Object?> json, {bool strict = false})',
    )
    // Each check of what is known stands behind `strict`; each column may have been left out of the select.
    for (const check of ['_exactly(json, columns', '_checkMapping(json, version'])
      expect(source.split('\n').filter((line) => line.includes(check))).toEqual([
        expect.stringMatching(/^ *if \(strict\) /),
      ])
    expect(source).toContain('if (!strict || labels.contains(label)) return label;')
    for (const column of Object.values(getTableColumns(organizationIntegrations)))
      expect(source).toContain(`if (json.containsKey('${column.name}')) '${column.name}': `)
  })

  test('has an immutable class for each model: every field final, no setter, no import', () => {
    const root = parsed(dartSource())
    const classes = root.descendantsOfType('class_definition').map((node) => node?.childForFieldName('name')?.text)
    expect(classes).toEqual([
      'IntegrationType',
      'IntegrationStatus',
      'ConnectionField',
      'MappingTarget',
      'IntegrationSystem',
      'FieldMapping',
      'OrganizationIntegration',
    ])
    expect(root.descendantsOfType('import_or_export')).toEqual([])
    expect(root.descendantsOfType('setter_signature')).toEqual([])
    const declared = root
      .descendantsOfType('declaration')
      .map((node) => node?.text ?? '')
      .filter((text) => !text.includes('('))
    expect(declared.length).toBeGreaterThan(20)
    for (const text of declared) expect(text).toMatch(/^(final|static const) /)
  })

  test('has every label, every field of every system and every mapping target as a constant', () => {
    const strings = new Set(
      parsed(dartSource())
        .descendantsOfType('string_literal')
        .map((node) => node?.text.slice(1, -1)),
    )
    const names = Object.values(systems).flatMap(({ fields, mappingTargets }) => [
      ...Object.keys(fields),
      ...Object.keys(mappingTargets),
    ])
    for (const name of [...integrationType.enumValues, ...integrationStatus.enumValues, ...names])
      expect(strings).toContain(name)
  })
})

describe('a Dart registry that agrees has no findings', () => {
  test.each([
    ['what this package writes', () => dartSource()],
    [
      'static constants in classes, comments and all',
      () => `
        // static const String sap = 'sap';
        /* static const sap = 'sap'; /* nested */ 'xledger' */
        class IntegrationTypes {
          IntegrationTypes._();
          static const String xledger = 'xledger', dynamics = "dynamics";
          static const cornerstone = r'cornerstone';
          static const String consio = '''consio''';
          static const String bufdir = 'buf' 'dir';
          ${types
            .slice(5)
            .map((label) => `static const ${label} = '${label}';`)
            .join(' ')}
          static String label(String type) { const prefix = 'x'; return '\${prefix + '}'} {'; }
        }
        abstract class IntegrationStatus {
          static const active = 'active'; static const inactive = 'inactive';
          static const error = 'error'; static const pendingSetup = 'pending_setup';
        }
        class Elsewhere { static const url = 'https://example.no'; static const warning = 'warning'; static const one = 'active'; }`,
    ],
    [
      'enums, with values, annotations or names alone',
      () => `
        enum IntegrationType { ${written((label) => `${label}('${label}')`)};
          const IntegrationType(this.label); final String label; }
        enum IntegrationStatus { active, inactive, error, @JsonValue('pending_setup') pendingSetup }`,
    ],
    [
      'enums whose entries take several values, by name or in any order',
      () => `
        enum IntegrationType {
          ${written((label) => [`${label}(label: 'Its name', value: '${label}')`, `${label}(value: '${label}', label: 'Its name', tags: ['erp', 'bc'])`, `${label}('${label}', Colors.red, icon: Icon(Icons.one))`, `${label}('${label}', 4)`][types.indexOf(label) % 4] ?? '')};
          const IntegrationType({required this.value, this.label = 'none'});
          final String value;
        }
        enum IntegrationStatus { active('active'), inactive('inactive'), error('error'), @JsonValue('pending_setup') pendingSetup }`,
    ],
    [
      'final fields of a class, objects and lists',
      () => `
        class IntegrationType {
          final String label = 'sap';
          const IntegrationType._(this.value);
          static const ${first} = IntegrationType._('${first}');
          static const IntegrationType ${types[1]} = const IntegrationType._('${types[1]}');
          static final ${written((label) => `${label} = IntegrationType._('${label}')`)
            .split(', ')
            .slice(2, 4)
            .join(', ')};
          ${types
            .slice(4)
            .map((label) => `static final String ${label} = '${label}';`)
            .join(' ')}
          static const values = [${types.join(', ')}];
        }
        const integrationStatuses = <String>['active', 'inactive', 'error', 'pending_setup'];`,
    ],
    ['what this package writes, with the line ends of Windows', () => dartSource().replaceAll('\n', '\r\n')],
    [
      'constants at the top level',
      () =>
        [...integrationType.enumValues, ...integrationStatus.enumValues]
          .map((label) => `const k_${label} = '${label}';`)
          .join('\n'),
    ],
  ])('%s', (_, source) => expect(dartFindings(source())).toEqual([]))
})

describe('what differs is found, with both sides and the hint', () => {
  const labels = (name: string, values: readonly string[]) =>
    `class ${name} {\n${values.map((value) => `  static const ${value} = '${value}';`).join('\n')}\n}\n`
  const statuses = labels('IntegrationStatus', integrationStatus.enumValues)
  const typesClass = labels('IntegrationTypes', types)
  /** The line behind the class of the types. */
  const end = types.length + 2
  const behind = end + 1

  test.each([
    [
      'a label spelled otherwise',
      typesClass.replace("'dynamics'", "'Dynamics'") + statuses,
      [['line 3, IntegrationTypes.dynamics', 'dynamics', 'Dynamics']],
    ],
    [
      'a label that is missing',
      typesClass.replace(/.*bufdir.*\n/, '') + statuses,
      [['integration_type_enum', 'bufdir', 'nothing']],
    ],
    [
      'a label that no enum has',
      typesClass.replace('}', "  static const sap = 'sap';\n}") + statuses,
      [[`line ${end}, IntegrationTypes.sap`, 'a label of integration_type_enum', 'sap']],
    ],
    [
      'a text that may be a credential, which is not printed',
      typesClass.replace('}', "  static const pasted = 'sk_live_42';\n}") + statuses,
      [
        [
          `line ${end}, IntegrationTypes.pasted`,
          'a label of integration_type_enum',
          '(a text that is not printed here)',
        ],
      ],
    ],
    [
      'one in a list of both enums, once',
      `class Labels { ${[...integrationType.enumValues, ...integrationStatus.enumValues, 'sap'].map((label) => `static const ${label} = '${label}';`).join(' ')} }`,
      [['line 1, Labels.sap', 'a label of integration_type_enum', 'sap']],
    ],
    [
      'camel case in a value',
      `${typesClass}enum IntegrationStatus { active, inactive, error, pendingSetup }`,
      [[`line ${behind}, IntegrationStatus.pendingSetup`, 'pending_setup', 'pendingSetup']],
    ],
    [
      'a value among several of an entry',
      `${statuses}enum IntegrationType { ${written((label) => (label === 'xledger' ? `xledger(value: 'xledgr', label: 'Xledger')` : `${label}('${label}')`))} }`,
      [['line 7, IntegrationType.xledger', 'xledger', 'xledgr']],
    ],
    [
      'one in a list of texts',
      `${statuses}const systems = [${written((label) => `'${label}'`)}, 'sap'];`,
      [['line 7, systems.sap', 'a label of integration_type_enum', 'sap']],
    ],
    [
      'a list that is not there',
      typesClass,
      integrationStatus.enumValues.map((label) => ['integration_status_enum', label, 'nothing']),
    ],
    [
      'an empty file',
      '',
      [
        ...integrationType.enumValues.map((label) => ['integration_type_enum', label, 'nothing']),
        ...integrationStatus.enumValues.map((label) => ['integration_status_enum', label, 'nothing']),
      ],
    ],
    [
      'a file of ours that was edited',
      dartSource().replace("'Xledger'", "'xLedger'"),
      [['the whole file', 'what this version writes', 'something else']],
    ],
  ])('%s', (_, source, expected) => {
    const findings = dartFindings(source)
    expect(findings.map(({ where, expected, found }) => [where, expected, found])).toEqual(expected)
    for (const { hint } of findings) expect(hint).not.toBe('')
  })

  test('however broken the file is, it is read to its end', () => {
    for (const source of [
      "'''",
      '"${',
      '/* /* */',
      "const a = '",
      '}}}}',
      'enum',
      'enum E {',
      '@',
      "r'\\",
      '"""${"'.repeat(500),
    ]) {
      expect(dartFindings(source).length).toBe(types.length + integrationStatus.enumValues.length)
    }
  })
})

// Each call is a process that compiles the sources first.
