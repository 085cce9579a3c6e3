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

/// Where one of our fields stands in the external system: a path, or a constant in place of one. What a newer version of
/// the document says in words of its own is kept, and written back as it was.
final class FieldMapping {
  const FieldMapping({
    this.path,
    this.constant,
    this.transform,
    this.hasDefault = false,
    this.defaultValue,
    this.lookup,
    this.isRequired = false,
  })  : assert((path == null) != (constant == null), 'a path, or a constant in place of one'),
        _read = null;

  const FieldMapping._(
    this._read, {
    this.path,
    this.constant,
    this.transform,
    this.hasDefault = false,
    this.defaultValue,
    this.lookup,
    this.isRequired = false,
  });

  /// Reads what it knows. With [strict] it throws a [FormatException] that names the key and the rule, never a value.
  factory FieldMapping.fromJson(Object? json, {required int version, required String where, bool strict = false}) {
    if (strict) _checkMapping(json, version, where);
    if (json is String) return FieldMapping._(json, path: json);
    if (json is! Map<String, Object?>) return FieldMapping._(json);
    return FieldMapping._(
      json,
      path: _known<String>(json['path']),
      constant: _isScalar(json['const']) ? json['const'] : null,
      transform: _known<String>(json['transform']),
      hasDefault: json.containsKey('default'),
      defaultValue: _isScalar(json['default']) ? json['default'] : null,
      lookup: _texts(json['map']),
      isRequired: json['required'] == true,
    );
  }

  final String? path;
  final Object? constant;
  final String? transform;
  final bool hasDefault;
  final Object? defaultValue;
  final Map<String, String>? lookup;
  final bool isRequired;

  /// What it was read from; null for one that was made here.
  final Object? _read;

  Object? toJson() =>
      _read ??
      {
        if (path != null) 'path': path,
        if (constant != null) 'const': constant,
        if (transform != null) 'transform': transform,
        if (hasDefault) 'default': defaultValue,
        if (lookup != null) 'map': lookup,
        if (isRequired) 'required': true,
      };
}

void _checkMapping(Object? json, int version, String where) {
  if (json is String) return;
  final object = _object(json, where);
  final known = _mappingFields[version] ?? const <String>{};
  if (!object.keys.every(known.contains)) throw FormatException('$where: has a key that its version does not have');
  if (object.containsKey('path') == object.containsKey('const')) {
    throw FormatException('$where: must have a path, or a constant in place of one');
  }
  for (final key in ['path', 'transform']) {
    if (object.containsKey(key)) _typed<String>(object[key], '$where.$key');
  }
  if (object.containsKey('required')) _typed<bool>(object['required'], '$where.required');
  if (object.containsKey('map') && _texts(object['map']) == null) {
    throw FormatException('$where.map: must be an object of texts');
  }
  for (final key in ['const', 'default']) {
    final isNull = key == 'default' && object[key] == null;
    if (object.containsKey(key) && !isNull && !_isScalar(object[key])) {
      throw FormatException('$where.$key: must be a text, a number, true or false');
    }
  }
}

/// The mappings of a document of any version; the version is not among the keys.
Map<String, FieldMapping> fieldMappingsFromJson(Object? json, {bool strict = false}) {
  if (json is! Map<String, Object?>) {
    if (strict) throw const FormatException('field_mappings: must be an object');
    return const <String, FieldMapping>{};
  }
  final version = fieldMappingsVersion(json);
  if (strict && !_mappingFields.containsKey(version)) {
    throw const FormatException(r'field_mappings.$version: is not known');
  }
  return Map<String, FieldMapping>.unmodifiable({
    for (final entry in json.entries)
      if (entry.key != r'$version')
        entry.key: FieldMapping.fromJson(
          entry.value,
          version: version,
          where: 'field_mappings.${_shown(entry.key)}',
          strict: strict,
        ),
  });
}

/// The version that a document says it is in; 1 where it says nothing, 0 for what is no document.
int fieldMappingsVersion(Object? json) {
  if (json is! Map<String, Object?>) return 0;
  if (!json.containsKey(r'$version')) return 1;
  return _known<int>(json[r'$version']) ?? 0;
}

/// A document of [version], the newest that is known here. Of a document that is in a newer one pass that version on, or
/// save single mappings with the function `merge_field_mappings`.
Map<String, Object?> fieldMappingsToJson(Map<String, FieldMapping> mappings, {int? version}) => {
      if (mappings.isNotEmpty) r'$version': version ?? _mappingFields.keys.last,
      for (final entry in mappings.entries) entry.key: entry.value.toJson(),
    };

/// One row of `organization_integrations`, as the Data API gives it: whole, or the columns that were selected.
final class OrganizationIntegration {
  OrganizationIntegration({
    required String id,
    required String organizationId,
    required String integrationType,
    required String status,
    required Map<String, FieldMapping> fieldMappings,
    String? syncSchedule,
    required List<String> excludedFeatures,
    required DateTime createdAt,
    required DateTime updatedAt,
  })  : _version = null,
        _values = Map<String, Object?>.unmodifiable({
          'id': id,
          'organization_id': organizationId,
          'integration_type': integrationType,
          'status': status,
          'field_mappings': fieldMappings,
          'sync_schedule': syncSchedule,
          'excluded_features': excludedFeatures,
          'created_at': createdAt,
          'updated_at': updatedAt,
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
        if (json.containsKey('id')) 'id': _typed<String>(json['id'], 'id'),
        if (json.containsKey('organization_id')) 'organization_id': _typed<String>(json['organization_id'], 'organization_id'),
        if (json.containsKey('integration_type')) 'integration_type': _label(json['integration_type'], IntegrationType.values, 'integration_type', strict),
        if (json.containsKey('status')) 'status': _label(json['status'], IntegrationStatus.values, 'status', strict),
        if (json.containsKey('field_mappings')) 'field_mappings': fieldMappingsFromJson(json['field_mappings'], strict: strict),
        if (json.containsKey('sync_schedule')) 'sync_schedule': _typed<String?>(json['sync_schedule'], 'sync_schedule'),
        if (json.containsKey('excluded_features')) 'excluded_features': _features(json['excluded_features'], 'excluded_features', strict),
        if (json.containsKey('created_at')) 'created_at': _time(json['created_at'], 'created_at'),
        if (json.containsKey('updated_at')) 'updated_at': _time(json['updated_at'], 'updated_at'),
      }),
      version > 1 ? version : null,
    );
  }

  /// The columns that this version knows: select these, and no newer database answers with more.
  static const Set<String> columns = {
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

  final Map<String, Object?> _values;

  /// The document's version where it is not the first: it is written back in the same, known here or not.
  final int? _version;

  /// Whether a column was selected.
  bool has(String column) => _values.containsKey(column);

  T _selected<T>(String column) {
    if (!has(column)) throw StateError('$column: was not selected');
    return _values[column] as T;
  }

  String get id => _selected<String>('id');
  String get organizationId => _selected<String>('organization_id');
  String get integrationType => _selected<String>('integration_type');
  String get status => _selected<String>('status');
  Map<String, FieldMapping> get fieldMappings => _selected<Map<String, FieldMapping>>('field_mappings');
  String? get syncSchedule => _selected<String?>('sync_schedule');
  List<String> get excludedFeatures => _selected<List<String>>('excluded_features');
  DateTime get createdAt => _selected<DateTime>('created_at');
  DateTime get updatedAt => _selected<DateTime>('updated_at');

  /// The columns that were selected.
  Map<String, Object?> toJson() => {
        if (has('id')) 'id': id,
        if (has('organization_id')) 'organization_id': organizationId,
        if (has('integration_type')) 'integration_type': integrationType,
        if (has('status')) 'status': status,
        if (has('field_mappings')) 'field_mappings': fieldMappingsToJson(fieldMappings, version: _version),
        if (has('sync_schedule')) 'sync_schedule': syncSchedule,
        if (has('excluded_features')) 'excluded_features': excludedFeatures,
        if (has('created_at')) 'created_at': createdAt.toUtc().toIso8601String(),
        if (has('updated_at')) 'updated_at': updatedAt.toUtc().toIso8601String(),
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

/// A value of the type that this version knows, or null.
T? _known<T extends Object>(Object? value) => value is T ? value : null;

Map<String, Object?> _object(Object? value, String where) {
  if (value is Map<String, Object?>) return value;
  throw FormatException('$where: must be an object');
}

/// A key as an error states it: one with digits may be a credential that was pasted where a name belongs.
String _shown(String key) => RegExp(r'^[A-Za-z_]{1,63}$').hasMatch(key) ? key : '*';

bool _isScalar(Object? value) => value is String || value is num || value is bool;

Map<String, String>? _texts(Object? value) {
  if (value is! Map<String, Object?> || !value.values.every((entry) => entry is String)) return null;
  return Map<String, String>.unmodifiable({for (final entry in value.entries) entry.key: entry.value.toString()});
}

List<String> _features(Object? value, String where, bool strict) {
  if (strict && (value is! List<Object?> || !value.every((entry) => entry is String))) {
    throw FormatException('$where: must be a list of texts');
  }
  return List<String>.unmodifiable(value is List<Object?> ? value.whereType<String>() : const <String>[]);
}

/// A label that this version does not know is kept as it is: a newer database may have it.
String _label(Object? value, List<String> labels, String where, bool strict) {
  final label = _typed<String>(value, where);
  if (!strict || labels.contains(label)) return label;
  throw FormatException('$where: must be one of ${labels.join(', ')}');
}

DateTime _time(Object? value, String where) {
  final time = DateTime.tryParse(_typed<String>(value, where));
  if (time == null) throw FormatException('$where: must be a time');
  return time;
}
