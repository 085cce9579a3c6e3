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
        entry.key: FieldMapping.fromJson(entry.value, version: version, where: 'field_mappings.\${_shown(entry.key)}'),
  });
}

/// A document of the newest version.
Map<String, Object?> fieldMappingsToJson(Map<String, FieldMapping> mappings) => {
      if (mappings.isNotEmpty) r'$version': _mappingFields.keys.last,
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
    for (final entry in object.entries) entry.key: _typed<String>(entry.value, '$where.\${_shown(entry.key)}'),
  });
}

List<String> _texts(Object? value, String where) {
  if (value is! List<Object?>) throw FormatException('$where: must be a list');
  return List<String>.unmodifiable([for (final entry in value) _typed<String>(entry, where)]);
}

String _label(Object? value, List<String> labels, String where) {
  final label = _typed<String>(value, where);
  if (labels.contains(label)) return label;
  throw FormatException('$where: must be one of \${labels.join(', ')}');
}

DateTime _time(Object? value, String where) {
  final time = DateTime.tryParse(_typed<String>(value, where));
  if (time == null) throw FormatException('$where: must be a time');
  return time;
}`
