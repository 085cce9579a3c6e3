// Written by `integrations-db registry --dart`. Do not edit; write it again instead.

/// Labels of `integration_type_enum`, letter for letter.
abstract final class IntegrationType {
  static const String xledger = 'xledger';
  static const String dynamics = 'dynamics';
  static const String cornerstone = 'cornerstone';
  static const String consio = 'consio';
  static const String bufdir = 'bufdir';

  static const List<String> values = [xledger, dynamics, cornerstone, consio, bufdir];
}

/// Labels of `integration_status_enum`, letter for letter.
abstract final class IntegrationStatus {
  static const String active = 'active';
  static const String inactive = 'inactive';
  static const String error = 'error';
  static const String pendingSetup = 'pending_setup';

  static const List<String> values = [active, inactive, error, pendingSetup];
}

/// One field of a credential bundle.
final class ConnectionField {
  const ConnectionField({
    required this.type,
    required this.isSecret,
    required this.isRequired,
    required this.pattern,
  });

  final String type;
  final bool isSecret;
  final bool isRequired;
  final String pattern;
}

/// One of our fields that a system's records can be mapped to.
final class MappingTarget {
  const MappingTarget({required this.label, required this.type, required this.isRequired});

  final String label;
  final String type;
  final bool isRequired;
}

/// One external system: what connecting to it takes, what can be mapped, and what it is good for.
final class IntegrationSystem {
  const IntegrationSystem({
    required this.name,
    required this.api,
    required this.fields,
    required this.mappingTargets,
    required this.capabilities,
  });

  final String name;
  final String api;
  final Map<String, ConnectionField> fields;
  final Map<String, MappingTarget> mappingTargets;
  final List<String> capabilities;
}

/// The external systems by label.
const Map<String, IntegrationSystem> integrationSystems = {
  IntegrationType.xledger: IntegrationSystem(
    name: 'Xledger',
    api: 'GraphQL',
    fields: {
      'api_key': ConnectionField(type: 'text', isSecret: true, isRequired: true, pattern: '[^ ]'),
      'base_url': ConnectionField(type: 'url', isSecret: false, isRequired: true, pattern: '^https?://[^ ]+\$'),
      'company_id': ConnectionField(type: 'text', isSecret: false, isRequired: true, pattern: '^[^ ](.*[^ ])?\$'),
    },
    mappingTargets: {
      'amount': MappingTarget(label: 'Amount', type: 'decimal', isRequired: true),
      'account': MappingTarget(label: 'Account', type: 'text', isRequired: true),
      'date': MappingTarget(label: 'Date', type: 'date', isRequired: true),
      'currency': MappingTarget(label: 'Currency', type: 'text', isRequired: false),
      'tax_code': MappingTarget(label: 'Tax code', type: 'text', isRequired: false),
      'cost_center': MappingTarget(label: 'Cost center', type: 'text', isRequired: false),
      'activity_code': MappingTarget(label: 'Activity code', type: 'text', isRequired: false),
      'employee_id': MappingTarget(label: 'Employee', type: 'text', isRequired: false),
      'reference': MappingTarget(label: 'Reference', type: 'text', isRequired: false),
    },
    capabilities: ['export_transactions', 'import_dimensions'],
  ),
  IntegrationType.dynamics: IntegrationSystem(
    name: 'Microsoft Dynamics 365 Business Central',
    api: 'OData',
    fields: {
      'client_secret': ConnectionField(type: 'text', isSecret: true, isRequired: true, pattern: '[^ ]'),
      'tenant_id': ConnectionField(type: 'text', isSecret: false, isRequired: true, pattern: '^[^ ](.*[^ ])?\$'),
      'client_id': ConnectionField(type: 'text', isSecret: false, isRequired: true, pattern: '^[^ ](.*[^ ])?\$'),
      'resource_url': ConnectionField(type: 'url', isSecret: false, isRequired: true, pattern: '^https?://[^ ]+\$'),
    },
    mappingTargets: {
      'amount': MappingTarget(label: 'Amount', type: 'decimal', isRequired: true),
      'account': MappingTarget(label: 'Account', type: 'text', isRequired: true),
      'date': MappingTarget(label: 'Date', type: 'date', isRequired: true),
      'currency': MappingTarget(label: 'Currency', type: 'text', isRequired: false),
      'cost_center': MappingTarget(label: 'Cost center', type: 'text', isRequired: false),
      'activity_code': MappingTarget(label: 'Activity code', type: 'text', isRequired: false),
      'employee_id': MappingTarget(label: 'Employee', type: 'text', isRequired: false),
      'reference': MappingTarget(label: 'Reference', type: 'text', isRequired: false),
    },
    capabilities: ['export_transactions', 'import_dimensions'],
  ),
  IntegrationType.cornerstone: IntegrationSystem(
    name: 'Cornerstone',
    api: 'REST',
    fields: {
      'api_key': ConnectionField(type: 'text', isSecret: true, isRequired: true, pattern: '[^ ]'),
      'subdomain': ConnectionField(type: 'text', isSecret: false, isRequired: true, pattern: '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\$'),
    },
    mappingTargets: {
      'employee_id': MappingTarget(label: 'Employee', type: 'text', isRequired: true),
      'first_name': MappingTarget(label: 'First name', type: 'text', isRequired: false),
      'last_name': MappingTarget(label: 'Last name', type: 'text', isRequired: false),
      'email': MappingTarget(label: 'E-mail', type: 'text', isRequired: false),
      'cost_center': MappingTarget(label: 'Cost center', type: 'text', isRequired: false),
      'course_code': MappingTarget(label: 'Course', type: 'text', isRequired: false),
      'completed_on': MappingTarget(label: 'Completed on', type: 'date', isRequired: false),
    },
    capabilities: ['import_people', 'import_courses'],
  ),
  IntegrationType.consio: IntegrationSystem(
    name: 'Consio',
    api: 'REST',
    fields: {
      'api_key': ConnectionField(type: 'text', isSecret: true, isRequired: true, pattern: '[^ ]'),
      'base_url': ConnectionField(type: 'url', isSecret: false, isRequired: true, pattern: '^https?://[^ ]+\$'),
    },
    mappingTargets: {
      'member_id': MappingTarget(label: 'Member', type: 'text', isRequired: true),
      'first_name': MappingTarget(label: 'First name', type: 'text', isRequired: false),
      'last_name': MappingTarget(label: 'Last name', type: 'text', isRequired: false),
      'email': MappingTarget(label: 'E-mail', type: 'text', isRequired: false),
      'birth_date': MappingTarget(label: 'Date of birth', type: 'date', isRequired: false),
      'group_code': MappingTarget(label: 'Group', type: 'text', isRequired: false),
    },
    capabilities: ['import_people'],
  ),
  IntegrationType.bufdir: IntegrationSystem(
    name: 'Bufdir',
    api: 'report submission',
    fields: {
      'org_id': ConnectionField(type: 'text', isSecret: false, isRequired: true, pattern: '^[0-9]{9}\$'),
      'report_year': ConnectionField(type: 'year', isSecret: false, isRequired: true, pattern: '^[12][0-9]{3}\$'),
      'api_endpoint': ConnectionField(type: 'url', isSecret: false, isRequired: true, pattern: '^https?://[^ ]+\$'),
    },
    mappingTargets: {
      'activity_code': MappingTarget(label: 'Activity code', type: 'text', isRequired: true),
      'amount': MappingTarget(label: 'Amount', type: 'decimal', isRequired: true),
      'participants': MappingTarget(label: 'Participants', type: 'decimal', isRequired: false),
      'activity_date': MappingTarget(label: 'Date of the activity', type: 'date', isRequired: false),
    },
    capabilities: ['submit_reports'],
  ),
};

/// What a mapping that is an object may hold, by version of the document.
const Map<int, Set<String>> _mappingFields = {
  1: {'path', 'transform', 'default'},
  2: {'path', 'transform', 'default', 'map', 'required', 'const'},
};

/// Where one of our fields stands in the external system: a path, or a constant in place of one.
final class FieldMapping {
  const FieldMapping({
    this.path,
    this.constant,
    this.transform,
    this.hasDefault = false,
    this.defaultValue,
    this.lookup,
    this.isRequired = false,
  }) : assert((path == null) != (constant == null), 'a path, or a constant in place of one');

  /// Throws a [FormatException] that names the key and the rule, never a value.
  factory FieldMapping.fromJson(Object? json, {required int version, required String where}) {
    if (json is String) return FieldMapping(path: json);
    final object = _object(json, where);
    final known = _mappingFields[version] ?? const <String>{};
    if (!object.keys.every(known.contains)) throw FormatException('$where: has a key that its version does not have');
    if (object.containsKey('path') == object.containsKey('const')) {
      throw FormatException('$where: must have a path, or a constant in place of one');
    }
    final byDefault = object['default'];
    return FieldMapping(
      path: object.containsKey('path') ? _typed<String>(object['path'], '$where.path') : null,
      constant: object.containsKey('const') ? _scalar(object['const'], '$where.const') : null,
      transform: object.containsKey('transform') ? _typed<String>(object['transform'], '$where.transform') : null,
      hasDefault: object.containsKey('default'),
      defaultValue: byDefault == null ? null : _scalar(byDefault, '$where.default'),
      lookup: object.containsKey('map') ? _lookup(object['map'], '$where.map') : null,
      isRequired: object.containsKey('required') && _typed<bool>(object['required'], '$where.required'),
    );
  }

  final String? path;
  final Object? constant;
  final String? transform;
  final bool hasDefault;
  final Object? defaultValue;
  final Map<String, String>? lookup;
  final bool isRequired;

  Map<String, Object?> toJson() => {
        if (path != null) 'path': path,
        if (constant != null) 'const': constant,
        if (transform != null) 'transform': transform,
        if (hasDefault) 'default': defaultValue,
        if (lookup != null) 'map': lookup,
        if (isRequired) 'required': true,
      };
}

/// A document of any version; its version is not among the keys.
Map<String, FieldMapping> fieldMappingsFromJson(Object? json) {
  final document = _object(json, 'field_mappings');
  final version = document.containsKey(r'$version') ? _typed<int>(document[r'$version'], r'field_mappings.$version') : 1;
  if (!_mappingFields.containsKey(version)) throw const FormatException(r'field_mappings.$version: is not known');
  return Map<String, FieldMapping>.unmodifiable({
    for (final entry in document.entries)
      if (entry.key != r'$version')
        entry.key: FieldMapping.fromJson(entry.value, version: version, where: 'field_mappings.${_shown(entry.key)}'),
  });
}

/// A document of the newest version.
Map<String, Object?> fieldMappingsToJson(Map<String, FieldMapping> mappings) => {
      if (mappings.isNotEmpty) r'$version': _mappingFields.keys.last,
      for (final entry in mappings.entries) entry.key: entry.value.toJson(),
    };

/// One row of `organization_integrations`, as the Data API gives it.
final class OrganizationIntegration {
  const OrganizationIntegration({
    required this.id,
    required this.organizationId,
    required this.integrationType,
    required this.status,
    required this.fieldMappings,
    required this.syncSchedule,
    required this.excludedFeatures,
    required this.createdAt,
    required this.updatedAt,
  });

  /// Throws a [FormatException] that names the column and the rule, never a value.
  factory OrganizationIntegration.fromJson(Map<String, Object?> json) {
    _exactly(json, _columns, 'organization_integrations');
    return OrganizationIntegration(
      id: _typed<String>(json['id'], 'id'),
      organizationId: _typed<String>(json['organization_id'], 'organization_id'),
      integrationType: _label(json['integration_type'], IntegrationType.values, 'integration_type'),
      status: _label(json['status'], IntegrationStatus.values, 'status'),
      fieldMappings: fieldMappingsFromJson(json['field_mappings']),
      syncSchedule: _typed<String?>(json['sync_schedule'], 'sync_schedule'),
      excludedFeatures: _texts(json['excluded_features'], 'excluded_features'),
      createdAt: _time(json['created_at'], 'created_at'),
      updatedAt: _time(json['updated_at'], 'updated_at'),
    );
  }

  static const Set<String> _columns = {
    'id',
    'organization_id',
    'integration_type',
    'status',
    'field_mappings',
    'sync_schedule',
    'excluded_features',
    'created_at',
    'updated_at',
  };

  final String id;
  final String organizationId;
  final String integrationType;
  final String status;
  final Map<String, FieldMapping> fieldMappings;
  final String? syncSchedule;
  final List<String> excludedFeatures;
  final DateTime createdAt;
  final DateTime updatedAt;

  Map<String, Object?> toJson() => {
        'id': id,
        'organization_id': organizationId,
        'integration_type': integrationType,
        'status': status,
        'field_mappings': fieldMappingsToJson(fieldMappings),
        'sync_schedule': syncSchedule,
        'excluded_features': excludedFeatures,
        'created_at': createdAt.toUtc().toIso8601String(),
        'updated_at': updatedAt.toUtc().toIso8601String(),
      };
}

void _exactly(Map<String, Object?> json, Set<String> keys, String where) {
  if (!json.keys.every(keys.contains)) throw FormatException('$where: has a key that is not known');
  for (final key in keys) {
    if (!json.containsKey(key)) throw FormatException('$where.$key: is missing');
  }
}

T _typed<T>(Object? value, String where) {
  if (value is T) return value;
  throw FormatException('$where: must be $T');
}

Map<String, Object?> _object(Object? value, String where) {
  if (value is Map<String, Object?>) return value;
  throw FormatException('$where: must be an object');
}

/// A key as an error states it: one with digits may be a credential that was pasted where a name belongs.
String _shown(String key) => RegExp(r'^[A-Za-z_]{1,63}$').hasMatch(key) ? key : '*';

Object _scalar(Object? value, String where) {
  if (value is String || value is num || value is bool) return value as Object;
  throw FormatException('$where: must be a text, a number, true or false');
}

Map<String, String> _lookup(Object? value, String where) {
  final object = _object(value, where);
  return Map<String, String>.unmodifiable({
    for (final entry in object.entries) entry.key: _typed<String>(entry.value, '$where.${_shown(entry.key)}'),
  });
}

List<String> _texts(Object? value, String where) {
  if (value is! List<Object?>) throw FormatException('$where: must be a list');
  return List<String>.unmodifiable([for (final entry in value) _typed<String>(entry, where)]);
}

String _label(Object? value, List<String> labels, String where) {
  final label = _typed<String>(value, where);
  if (labels.contains(label)) return label;
  throw FormatException('$where: must be one of ${labels.join(', ')}');
}

DateTime _time(Object? value, String where) {
  final time = DateTime.tryParse(_typed<String>(value, where));
  if (time == null) throw FormatException('$where: must be a time');
  return time;
}
