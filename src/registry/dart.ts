import { type Column, getTableColumns, is } from 'drizzle-orm'
import { PgEnumColumn } from 'drizzle-orm/pg-core'
import { versions } from '../config/versions.ts'
import { IntegrationsDbError } from '../errors.ts'
import { integrationStatus, integrationType } from '../schema/enums.ts'
import { organizationIntegrations } from '../schema/organization-integrations.ts'
import { systems } from '../schema/systems.ts'
import { helpers, mappingClass, registryClasses } from './dart-templates.ts'

/* The Dart constants of the contract: the same lists, the same row, written from the Drizzle definitions. */

export const generatedMark = '// Written by `integrations-db registry --dart`. Do not edit; write it again instead.'

/** One Dart file of constants, the registry, and models; the same text every time, without a dependency. */
export function dartSource(): string {
  return [
    generatedMark,
    labels('IntegrationType', 'Labels of `integration_type_enum`, letter for letter.', integrationType.enumValues),
    labels(
      'IntegrationStatus',
      'Labels of `integration_status_enum`, letter for letter.',
      integrationStatus.enumValues,
    ),
    registryClasses,
    registry(),
    `/// What a mapping that is an object may hold, by version of the document.
const Map<int, Set<String>> _mappingFields = {
${versions.map(({ version, fields }) => `  ${version}: {${fields.map(text).join(', ')}},`).join('\n')}
};`,
    mappingClass,
    row(),
    helpers,
  ]
    .join('\n\n')
    .concat('\n')
}

function labels(name: string, comment: string, values: readonly string[]): string {
  return `/// ${comment}
abstract final class ${name} {
${values.map((value) => `  static const String ${camel(value)} = ${text(value)};`).join('\n')}

  static const List<String> values = [${values.map(camel).join(', ')}];
}`
}

function registry(): string {
  const entries = Object.entries(systems).map(([type, system]) => {
    const fields = Object.entries(system.fields).map(
      ([name, { type, secret, required, pattern }]) =>
        `      ${text(name)}: ConnectionField(type: ${text(type)}, isSecret: ${secret}, isRequired: ${required}, pattern: ${text(pattern)}),`,
    )
    const targets = Object.entries(system.mappingTargets).map(
      ([name, { label, type, required }]) =>
        `      ${text(name)}: MappingTarget(label: ${text(label)}, type: ${text(type)}, isRequired: ${required}),`,
    )
    return `  IntegrationType.${camel(type)}: IntegrationSystem(
    name: ${text(system.name)},
    api: ${text(system.api)},
    fields: {
${fields.join('\n')}
    },
    mappingTargets: {
${targets.join('\n')}
    },
    capabilities: [${system.capabilities.map(text).join(', ')}],
  ),`
  })
  return `/// The external systems by label.
const Map<String, IntegrationSystem> integrationSystems = {
${entries.join('\n')}
};`
}

const labelLists = [
  { name: 'IntegrationType', enumeration: integrationType },
  { name: 'IntegrationStatus', enumeration: integrationStatus },
]

type DartType = { type: string; read(key: string): string; write?(field: string): string }

/** What the Data API's JSON holds of a Drizzle column. A number with decimals may come as `1`. */
const jsonTypes: Readonly<Record<string, readonly string[]>> = {
  String: [
    ...['PgUUID', 'PgText', 'PgVarchar', 'PgChar', 'PgEnumColumn'],
    ...['PgDate', 'PgDateString', 'PgTime', 'PgInterval', 'PgInet'],
  ],
  int: ['PgInteger', 'PgSmallInt', 'PgBigInt53', 'PgBigInt64', 'PgSerial'],
  num: ['PgNumeric', 'PgNumericNumber', 'PgReal', 'PgDoublePrecision'],
  bool: ['PgBoolean'],
  Object: ['PgJson', 'PgJsonb', 'PgArray'],
}

/** How a column comes out of the Data API's JSON, and goes back. */
export function dartType(column: Column): DartType {
  const { name, notNull, columnType } = column
  if (name === 'field_mappings') {
    return {
      type: 'Map<String, FieldMapping>',
      read: (key) => `fieldMappingsFromJson(json[${key}], strict: strict)`,
      write: (field) => `fieldMappingsToJson(${field}, version: _version)`,
    }
  }
  if (name === 'excluded_features') {
    return { type: 'List<String>', read: (key) => `_features(json[${key}], ${key}, strict)` }
  }
  const isTime = columnType.startsWith('PgTimestamp')
  const base = isTime ? 'DateTime' : Object.keys(jsonTypes).find((one) => jsonTypes[one]?.includes(columnType))
  if (base === undefined) {
    throw new IntegrationsDbError(
      'invalid_input',
      `column ${name}: there is no Dart type for ${columnType}; add one to src/registry/dart.ts`,
    )
  }
  const type = notNull ? base : `${base}?`
  const list = labelLists.find(({ enumeration }) => is(column, PgEnumColumn) && column.enum === enumeration)?.name
  const read = (key: string) => {
    if (list !== undefined) return `_label(json[${key}], ${list}.values, ${key}, strict)`
    return isTime ? `_time(json[${key}], ${key})` : `_typed<${type}>(json[${key}], ${key})`
  }
  const mayBeNull = !notNull && (list !== undefined || isTime)
  return {
    type,
    read: (key) => (mayBeNull ? `json[${key}] == null ? null : ${read(key)}` : read(key)),
    ...(isTime ? { write: (field) => `${field}${notNull ? '' : '?'}.toUtc().toIso8601String()` } : {}),
  }
}

function row(): string {
  const columns = Object.entries(getTableColumns(organizationIntegrations)).map(([field, column]) => ({
    field,
    key: text(column.name),
    ...dartType(column),
  }))
  const given = (field: string, type: string) => (type.endsWith('?') ? `${type} ${field}` : `required ${type} ${field}`)
  return `/// One row of \`organization_integrations\`, as the Data API gives it: whole, or the columns that were selected.
final class OrganizationIntegration {
  OrganizationIntegration({
${columns.map(({ field, type }) => `    ${given(field, type)},`).join('\n')}
  })  : _version = null,
        _values = Map<String, Object?>.unmodifiable({
${columns.map(({ field, key }) => `          ${key}: ${field},`).join('\n')}
        });

  OrganizationIntegration._(this._values, this._version);

  /// Reads the columns that it knows and that were selected, and leaves the others alone: an app that is installed must
  /// read what a newer database answers. With [strict], for tests, every column must be there and no other, and every
  /// label and document one that is known. Throws a [FormatException] that names the column and the rule, never a value.
  factory OrganizationIntegration.fromJson(Map<String, Object?> json, {bool strict = false}) {
    if (strict) _exactly(json, columns, 'organization_integrations');
    final version = fieldMappingsVersion(json['field_mappings']);
    return OrganizationIntegration._(
      Map<String, Object?>.unmodifiable({
${columns.map(({ key, read }) => `        if (json.containsKey(${key})) ${key}: ${read(key)},`).join('\n')}
      }),
      version > 1 ? version : null,
    );
  }

  /// The columns that this version knows: select these, and no newer database answers with more.
  static const Set<String> columns = {
${columns.map(({ key }) => `    ${key},`).join('\n')}
  };

  final Map<String, Object?> _values;

  /// The document's version where it is not the first: it is written back in the same, known here or not.
  final int? _version;

  /// Whether a column was selected.
  bool has(String column) => _values.containsKey(column);

  T _selected<T>(String column) {
    if (!has(column)) throw StateError('$column: was not selected');
    return _values[column] as T;
  }

${columns.map(({ field, key, type }) => `  ${type} get ${field} => _selected<${type}>(${key});`).join('\n')}

  /// The columns that were selected.
  Map<String, Object?> toJson() => {
${columns.map(({ field, key, write = (own: string) => own }) => `        if (has(${key})) ${key}: ${write(field)},`).join('\n')}
      };
}`
}

/** A Dart string literal: nothing in it is interpolated. */
function text(value: string): string {
  return `'${value.replace(/[\\'$]/g, '\\$&').replace(/\n/g, '\\n')}'`
}

function camel(label: string): string {
  return label.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
