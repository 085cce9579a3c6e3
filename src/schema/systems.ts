/*
 * The external systems. One entry is all that a system is: the database's enum, every type, the forms, the Dart file and
 * the tests follow from it. docs/add-a-system.md adds one.
 */

/** One field of a credential bundle. */
export type ConnectionField = {
  /** What kind of value it is, for a form. */
  readonly type: 'text' | 'url' | 'year'
  /** Hide it in a form, and never show it again. The whole bundle is kept as a secret either way. */
  readonly secret: boolean
  /** Whether connecting takes it. */
  readonly required: boolean
  /** What a value must match: an expression that JavaScript, Dart and PostgreSQL read alike. */
  readonly pattern: string
}

/** One of our fields that a system's records can be mapped to. */
export type MappingTarget = {
  /** Its name for people, in English. */
  readonly label: string
  /** What kind of value it is. */
  readonly type: 'text' | 'decimal' | 'date'
  /** Whether a sync needs it. */
  readonly required: boolean
}

/** What an entry says; its label is its key. */
type SystemEntry = {
  /** Its name for people. */
  readonly name: string
  /** What kind of API it has. */
  readonly api: string
  /** What connecting to it takes: the fields of its credential bundle, by name. */
  readonly fields: Readonly<Record<string, ConnectionField>>
  /** Our fields that its records can be mapped to, by name. */
  readonly mappingTargets: Readonly<Record<string, MappingTarget>>
  /** What a sync can do with it. */
  readonly capabilities: readonly string[]
}

const secret = { type: 'text', secret: true, required: true, pattern: '[^ ]' } as const
const plain = { type: 'text', secret: false, required: true, pattern: '^[^ ](.*[^ ])?$' } as const
const url = { type: 'url', secret: false, required: true, pattern: '^https?://[^ ]+$' } as const
const year = { type: 'year', secret: false, required: true, pattern: '^[12][0-9]{3}$' } as const
const organizationNumber = { type: 'text', secret: false, required: true, pattern: '^[0-9]{9}$' } as const
const subdomain = {
  type: 'text',
  secret: false,
  required: true,
  pattern: '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$',
} as const

const amount = { label: 'Amount', type: 'decimal', required: true } as const
const account = { label: 'Account', type: 'text', required: true } as const
const date = { label: 'Date', type: 'date', required: true } as const
const currency = { label: 'Currency', type: 'text', required: false } as const
const taxCode = { label: 'Tax code', type: 'text', required: false } as const
const costCenter = { label: 'Cost center', type: 'text', required: false } as const
const activityCode = { label: 'Activity code', type: 'text', required: false } as const
const reference = { label: 'Reference', type: 'text', required: false } as const
const employee = { label: 'Employee', type: 'text', required: false } as const
const firstName = { label: 'First name', type: 'text', required: false } as const
const lastName = { label: 'Last name', type: 'text', required: false } as const
const email = { label: 'E-mail', type: 'text', required: false } as const

/**
 * The external systems, deeply frozen: what connecting to each takes, which of our fields can be mapped, and what a sync
 * can do.
 *
 * @example
 * Object.entries(systems.xledger.fields).filter(([, field]) => field.secret) // [['api_key', { secret: true, … }]]
 */
export const systems = frozen({
  xledger: {
    name: 'Xledger',
    api: 'GraphQL',
    fields: { api_key: secret, base_url: url, company_id: plain },
    mappingTargets: {
      amount,
      account,
      date,
      currency,
      tax_code: taxCode,
      cost_center: costCenter,
      activity_code: activityCode,
      employee_id: employee,
      reference,
    },
    capabilities: ['export_transactions', 'import_dimensions'],
  },
  dynamics: {
    name: 'Microsoft Dynamics 365 Business Central',
    api: 'OData',
    fields: { client_secret: secret, tenant_id: plain, client_id: plain, resource_url: url },
    mappingTargets: {
      amount,
      account,
      date,
      currency,
      cost_center: costCenter,
      activity_code: activityCode,
      employee_id: employee,
      reference,
    },
    capabilities: ['export_transactions', 'import_dimensions'],
  },
  cornerstone: {
    name: 'Cornerstone',
    api: 'REST',
    fields: { api_key: secret, subdomain },
    mappingTargets: {
      employee_id: { ...employee, required: true },
      first_name: firstName,
      last_name: lastName,
      email,
      cost_center: costCenter,
      course_code: { label: 'Course', type: 'text', required: false },
      completed_on: { label: 'Completed on', type: 'date', required: false },
    },
    capabilities: ['import_people', 'import_courses'],
  },
  consio: {
    name: 'Consio',
    api: 'REST',
    fields: { api_key: secret, base_url: url },
    mappingTargets: {
      member_id: { label: 'Member', type: 'text', required: true },
      first_name: firstName,
      last_name: lastName,
      email,
      birth_date: { label: 'Date of birth', type: 'date', required: false },
      group_code: { label: 'Group', type: 'text', required: false },
    },
    capabilities: ['import_people'],
  },
  bufdir: {
    name: 'Bufdir',
    api: 'report submission',
    fields: { org_id: organizationNumber, report_year: year, api_endpoint: url },
    mappingTargets: {
      activity_code: { ...activityCode, required: true },
      amount,
      participants: { label: 'Participants', type: 'decimal', required: false },
      activity_date: { label: 'Date of the activity', type: 'date', required: false },
    },
    capabilities: ['submit_reports'],
  },
} as const satisfies Record<string, SystemEntry>)

/** A label of {@link systems}. */
export type IntegrationType = keyof typeof systems
/** What a sync can do with a system. */
export type Capability = (typeof systems)[IntegrationType]['capabilities'][number]
/** One external system: what connecting to it takes, what can be mapped, and what it is good for. */
export type System = SystemEntry & {
  /** What a sync can do with it. */
  readonly capabilities: readonly Capability[]
}

/** A mapping target of a system, or of any of several. */
export type TargetOf<T extends IntegrationType> = T extends IntegrationType
  ? Extract<keyof (typeof systems)[T]['mappingTargets'], string>
  : never

/** The labels, in the order of the entries: so do they stand in the database's enum, where a new one is the last. */
export const integrationTypes = Object.keys(systems) as [IntegrationType, ...IntegrationType[]]

function frozen<T extends object>(object: T): T {
  for (const value of Object.values(object)) if (typeof value === 'object' && value !== null) frozen(value)
  return Object.freeze(object)
}
