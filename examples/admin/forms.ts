// Forms as data, drawn from the registry: what pages.ts shows as inputs, and what comes back read into documents. No system
// is named here: a system that is added to the registry has its forms.
import {
  type FieldMapping,
  type FieldMappings,
  type Integration,
  type IntegrationType,
  type MappingTarget,
  type Scalar,
  systemOf,
  systemSchemas,
  systems,
  transforms,
} from '../../src/index.ts'

/** One labelled input. Its name is the path by which the package's errors name the field. */
export type Control = {
  name: string
  label: string
  value?: string
  hint?: string
  type?: 'text' | 'password' | 'url'
  /** Of a list to choose from: what people read, by value. */
  options?: Readonly<Record<string, string>>
  required?: boolean
  pattern?: string
  maxLength?: number
}
export type Form = Readonly<Record<string, string>>
export type Problem = { field: string; rule: string }
export type Settings = Pick<Integration, 'status' | 'syncSchedule' | 'excludedFeatures'>

export const isSystem = (name: string): name is IntegrationType => Object.hasOwn(systems, name)
export const wordsOf = (name: string) => {
  const words = name
    .replaceAll('_', ' ')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replace(/\b(api|url|id)\b/g, (word) => word.toUpperCase())
  return words.charAt(0).toUpperCase() + words.slice(1)
}
export const labelled = (values: readonly string[]) =>
  Object.fromEntries(values.map((value) => [value, wordsOf(value)]))
const text = (form: Form, name: string) => (form[name] ?? '').trim()

/** Which fields an `invalid_input` is about: `patch.syncSchedule: hour "24" must be 0 to 23; patch.…`. */
export function problemsOf(message: string): Problem[] {
  const found = message.matchAll(/(?:^|; )(?:patch|bundle)\.([\w.]+): (.*?)(?=; (?:patch|bundle)\.|$)/g)
  const problems = [...found].map(([, field = '', rule = '']) => ({
    field,
    rule: rule.replace('store it with credentials.store', 'store it below, as a credential'),
  }))
  return problems.filter(({ field }, i) => problems.findIndex((one) => one.field === field) === i)
}

/** What the credential form asks for. Nothing of what was stored or typed is ever in it: the whole bundle is a secret. */
export function connectionControls(type: IntegrationType): Control[] {
  const properties = systemSchemas(type).connection.properties as Record<string, { maxLength?: number }>
  return Object.entries(systemOf(type).fields).map(([name, field]) => ({
    name,
    label: wordsOf(name),
    type: field.secret ? 'password' : field.type === 'url' ? 'url' : 'text',
    required: field.required,
    pattern: htmlPattern(field.pattern),
    ...(properties[name]?.maxLength === undefined ? {} : { maxLength: properties[name].maxLength }),
  }))
}

export function readConnection(type: IntegrationType, form: Form): Record<string, string> {
  return Object.fromEntries(Object.keys(systemOf(type).fields).map((name) => [name, text(form, name)]))
}

/** The attribute matches a whole value and has stricter brackets (flag v): a hyphen at their end is escaped. */
export const htmlPattern = (pattern: string) => `.*(?:${pattern.replaceAll('-]', '\\-]')}).*`

export function settingsControls(settings: Settings, timeZone: string): Control[] {
  const { status, syncSchedule, excludedFeatures } = settings
  return [
    { name: 'status', label: 'Status', value: status, options: statusesFrom(status) },
    {
      name: 'syncSchedule',
      label: 'Schedule',
      value: syncSchedule ?? '',
      hint: `Minute, hour, day of month, month and weekday, such as 0 2 * * *, on the clock of ${timeZone}. Empty: no syncs.`,
    },
    {
      name: 'excludedFeatures',
      label: 'Excluded features',
      value: Array.isArray(excludedFeatures) ? excludedFeatures.join(' ') : '',
      hint: 'Names such as payroll_sync, separated by spaces.',
    },
  ]
}

/** `error` is for workers to set; an integration in it is shown so, and can be set to another. */
const statusesFrom = (status: string) => labelled(['active', 'inactive', 'pending_setup', status])

export function readSettings(form: Form): Settings {
  return {
    status: text(form, 'status') as Settings['status'], // Checked by the package, as everything here is.
    syncSchedule: text(form, 'syncSchedule') || null,
    excludedFeatures: text(form, 'excludedFeatures')
      .split(/[\s,]+/)
      .filter(Boolean),
  }
}

/** A row's mappings; none where what is stored is no object, as a row's `problems` then say. */
export const mappingsOf = ({ fieldMappings }: Pick<Integration, 'fieldMappings'>): FieldMappings =>
  typeof fieldMappings === 'object' && fieldMappings !== null && !Array.isArray(fieldMappings) ? fieldMappings : {}

type Parts = { path?: string; const?: Scalar; default?: Scalar | null; transform?: string }
const partsOf = (mapping: FieldMapping | undefined): Parts =>
  typeof mapping === 'string' ? { path: mapping } : { ...mapping }
/** A value as a one-line input can show it. */
const shown = (value: Scalar | null | undefined) =>
  value === undefined || value === null ? '' : String(value).replaceAll(/[\r\n]/g, '')

/** The inputs of each target: the first one in plain sight, the others among its options. */
export function mappingControls(type: IntegrationType, mappings: FieldMappings) {
  const { name: system, mappingTargets } = systemOf(type)
  return Object.entries(mappingTargets).map(([target, { label, required }]) => {
    const parts = partsOf(mappings[target])
    const name = (part: string) => `fieldMappings.${target}.${part}`
    const options: Control[] = [
      { name: name('const'), label: 'Always this value', value: shown(parts.const), hint: 'In place of a field.' },
      {
        name: name('transform'),
        label: 'Transform',
        value: parts.transform ?? '',
        options: { '': 'None', ...labelled([...Object.keys(transforms), parts.transform ?? ''].filter(Boolean)) },
      },
      { name: name('default'), label: 'Value where the field is missing', value: shown(parts.default) },
    ]
    const path = { name: name('path'), label: `Field in ${system}`, value: shown(parts.path) }
    return { label, required, path, options }
  })
}

/** The mappings with what the form says of the system's targets; whatever no input shows stays as it is. */
export function readMappings(type: IntegrationType, mappings: FieldMappings, form: Form): FieldMappings {
  const read: Record<string, FieldMapping | undefined> = { ...mappings }
  for (const [target, { type: kind }] of Object.entries(systemOf(type).mappingTargets))
    read[target] = readMapping(target, kind, mappings[target], form)
  const set = Object.entries(read).filter((entry): entry is [string, FieldMapping] => entry[1] !== undefined)
  return Object.fromEntries(set)
}

function readMapping(target: string, kind: MappingTarget['type'], before: FieldMapping | undefined, form: Form) {
  const parts: Parts = partsOf(before)
  for (const part of ['path', 'const', 'default', 'transform'] as const) {
    const name = `fieldMappings.${target}.${part}`
    const given = text(form, name)
    if (form[name] === undefined || given === shown(parts[part]).trim()) continue
    const isNumber = kind === 'decimal' && (part === 'const' || part === 'default') && Number.isFinite(Number(given))
    if (given === '') delete parts[part]
    else Object.assign(parts, { [part]: isNumber ? Number(given) : given })
  }
  if (parts.path === undefined && parts.const === undefined) return undefined
  return (Object.keys(parts).length === 1 ? parts.path : undefined) ?? (parts as FieldMapping)
}
