/* The parts of the Dart file that are the same whatever the schema says. */

export const registryClasses = `\
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
}`

export const mappingClass = `\
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
          where: 'field_mappings.\${_shown(entry.key)}',
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
/// save single mappings with the function \`merge_field_mappings\`.
Map<String, Object?> fieldMappingsToJson(Map<String, FieldMapping> mappings, {int? version}) => {
      if (mappings.isNotEmpty) r'$version': version ?? _mappingFields.keys.last,
      for (final entry in mappings.entries) entry.key: entry.value.toJson(),
    };`

export const helpers = `\
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
  throw FormatException('$where: must be one of \${labels.join(', ')}');
}

DateTime _time(Object? value, String where) {
  final time = DateTime.tryParse(_typed<String>(value, where));
  if (time == null) throw FormatException('$where: must be a time');
  return time;
}`
