import { type Column, getTableColumns } from 'drizzle-orm'
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

type DartType = { type: string; read(key: string): string; write(field: string): string }

/** How a column comes out of the Data API's JSON, and goes back. */
function dartType(column: Column): DartType {
  const { name, notNull, columnType, enumValues } = column
  if (name === 'field_mappings') {
    return {
      type: 'Map<String, FieldMapping>',
      read: (key) => `fieldMappingsFromJson(json[${key}])`,
      write: (field) => `fieldMappingsToJson(${field})`,
    }
  }
  if (name === 'excluded_features') {
    return { type: 'List<String>', read: (key) => `_texts(json[${key}], ${key})`, write: (field) => field }
  }
  if (enumValues !== undefined && enumValues.length > 0) {
    const list = column.name === 'status' ? 'IntegrationStatus' : 'IntegrationType'
    return { type: 'String', read: (key) => `_label(json[${key}], ${list}.values, ${key})`, write: (field) => field }
  }
  if (columnType === 'PgTimestamp') {
    return {
      type: 'DateTime',
      read: (key) => `_time(json[${key}], ${key})`,
      write: (field) => `${field}.toUtc().toIso8601String()`,
    }
  }
  if (columnType === 'PgUUID' || columnType === 'PgText') {
    const type = notNull ? 'String' : 'String?'
    return { type, read: (key) => `_typed<${type}>(json[${key}], ${key})`, write: (field) => field }
  }
  throw new IntegrationsDbError(
    'invalid_input',
    `column ${name}: there is no Dart type for ${columnType}; add one to src/registry/dart.ts`,
  )
}

function row(): string {
  const columns = Object.entries(getTableColumns(organizationIntegrations)).map(([field, column]) => ({
    field,
    key: text(column.name),
    ...dartType(column),
  }))
  return `/// One row of \`organization_integrations\`, as the Data API gives it.
final class OrganizationIntegration {
  const OrganizationIntegration({
${columns.map(({ field }) => `    required this.${field},`).join('\n')}
  });

  /// Throws a [FormatException] that names the column and the rule, never a value.
  factory OrganizationIntegration.fromJson(Map<String, Object?> json) {
    _exactly(json, _columns, 'organization_integrations');
    return OrganizationIntegration(
${columns.map(({ field, key, read }) => `      ${field}: ${read(key)},`).join('\n')}
    );
  }

  static const Set<String> _columns = {
${columns.map(({ key }) => `    ${key},`).join('\n')}
  };

${columns.map(({ field, type }) => `  final ${type} ${field};`).join('\n')}

  Map<String, Object?> toJson() => {
${columns.map(({ field, key, write }) => `        ${key}: ${write(field)},`).join('\n')}
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
