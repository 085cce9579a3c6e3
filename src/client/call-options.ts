import type { ExcludedFeatures, FieldMappings } from '../config/documents.ts'
import type { FieldMapping } from '../config/field-mapping.ts'
import type { IntegrationStatus } from '../schema/enums.ts'
import type { RunOutcome } from '../schema/organization-integration-runs.ts'
import type { IntegrationType, TargetOf } from '../schema/systems.ts'
import type { EventAction } from './event-statements.ts'

/*
 * What callers hand in. Spelled out, and not inferred from the schemas in input.ts: an editor shows what stands above a
 * field.
 */

/** Mappings to set, and null for those to take away: the system's targets, and any other field. */
export type FieldMappingsEdit<T extends IntegrationType = IntegrationType> = {
  readonly [target in TargetOf<T>]?: FieldMapping | null
} & { readonly [field: string]: FieldMapping | null }

/** The fields of an integration that a caller may set. A field that is left out or undefined is not changed. */
export type IntegrationPatch<T extends IntegrationType = IntegrationType> = {
  /**
   * Where the integration stands. To set `active`, store a credential first.
   *
   * @default unchanged; `inactive` for a new integration
   */
  status?: IntegrationStatus | undefined
  /**
   * Our fields, and where each stands in the external system: the whole document. `setFieldMappings` edits one key.
   *
   * @default unchanged; `{}` for a new integration
   */
  fieldMappings?: ({ readonly [target in TargetOf<T>]?: FieldMapping } & FieldMappings) | undefined
  /**
   * A five-field cron string such as `0 2 * * *`; null for none.
   *
   * @default unchanged; null for a new integration
   */
  syncSchedule?: string | null | undefined
  /**
   * The features that the organization switched off: the whole list. `excludeFeatures` adds some.
   *
   * @default unchanged; `[]` for a new integration
   */
  excludedFeatures?: ExcludedFeatures | undefined
}

/** What `create` and `upsert` take: the system, and any of the fields that may be set. */
export type NewIntegration<T extends IntegrationType = IntegrationType> = IntegrationPatch<T> & {
  /** The external system. One integration per organization and system. */
  integrationType: T
}

/** Guards against a lost update. */
export type RevisionOptions = {
  /**
   * The `revision` of the row that was read; refuses with `conflict` where the row was modified since.
   *
   * @default none: the last writer wins
   */
  expectedRevision?: string | undefined
}

/** Which integrations to list. */
export type ListFilter = {
  /**
   * Only those of this status.
   *
   * @default every status
   */
  status?: IntegrationStatus | undefined
}

/** A page of integrations. */
export type PageOptions = {
  /**
   * Most rows, 1 to 1000.
   *
   * @default 500
   */
  limit?: number | undefined
  /**
   * `next` of the page before: an opaque cursor that stays valid while rows come and go.
   *
   * @default null: the first page
   */
  after?: string | null | undefined
}

/** A page of scheduled integrations, and the clock that their schedules follow. */
export type SchedulePageOptions = PageOptions & {
  /**
   * The IANA name of the clock that schedules follow.
   *
   * @default 'UTC'
   */
  timeZone?: string | undefined
  /**
   * `due` is the first run after this time. Pass when you last looked, and run what is due by now.
   *
   * @default now
   */
  since?: Date | undefined
}

/** Which of an organization's events, and how many. */
export type EventPageOptions = {
  /**
   * Only what was done so: `create`, `update`, `remove`, `store`, `rotate`, `retrieve`, `revoke`, `delete`, `alert`,
   * `quarantine` or `restore`.
   *
   * @default every action
   */
  action?: EventAction | undefined
  /**
   * Only those of this system.
   *
   * @default every system, and what is about none
   */
  integrationType?: IntegrationType | undefined
  /**
   * Most rows, 1 to 1000.
   *
   * @default 100
   */
  limit?: number | undefined
  /**
   * The id of the last event of the page before.
   *
   * @default the newest events
   */
  after?: string | undefined
  /**
   * The former name of `after`.
   *
   * @default the newest events
   */
  before?: string | undefined
}

/** What a query of the caller's own may see. */
export type QueryOptions = {
  /**
   * Accept tables without row-level security, where the scope filters nothing: the query sees every row that the grants
   * allow, of every organization.
   *
   * @default false: such a query is refused
   */
  unprotected?: boolean | undefined
}

/** Which events of all organizations, and from where on. */
export type EventFeedOptions = {
  /**
   * Only what was done so, such as `alert`.
   *
   * @default every action
   */
  action?: EventAction | undefined
  /**
   * Most rows, 1 to 1000.
   *
   * @default 100
   */
  limit?: number | undefined
  /**
   * `next` of the page before: an opaque cursor.
   *
   * @default null: from the first event on
   */
  after?: string | null | undefined
}

/** How many alerts, and from where on. */
export type AlertPageOptions = {
  /**
   * Most rows, 1 to 1000.
   *
   * @default 100
   */
  limit?: number | undefined
  /**
   * The id of the last alert of the page before, acknowledged since or not. An id that is no event's ends the list.
   *
   * @default the oldest alert on
   */
  after?: string | undefined
}

/** Which of an organization's runs, and how many. */
export type RunPageOptions = {
  /**
   * Only those of this system.
   *
   * @default every system
   */
  integrationType?: IntegrationType | undefined
  /**
   * Most rows, 1 to 1000.
   *
   * @default 100
   */
  limit?: number | undefined
  /**
   * The id of the last run of the page before.
   *
   * @default the latest runs
   */
  after?: string | undefined
}

/** Whose run begins. */
export type RunStart = {
  /** The organization, a uuid. */
  organizationId: string
  /** The system. */
  integrationType: IntegrationType
  /** When it is due by its schedule: 1970 or later, and at most a year ahead. */
  due: Date
  /**
   * Take on, as its next attempt, a run that failed, or that was begun and never finished.
   *
   * @default false
   */
  retries?: boolean | undefined
}

/** How a run ended. */
export type RunEnd = {
  /** How: `succeeded`, `failed` or `cancelled`. */
  outcome: RunOutcome
  /**
   * What there is to say: 1 to 1,000 characters, none of which look like a credential.
   *
   * @default null
   */
  message?: string | undefined
  /**
   * How many of what, such as `{ invoices: 12 }`: at most 50 numbers, under names of 1 to 63 characters.
   *
   * @default null
   */
  counts?: Record<string, number> | undefined
  /**
   * The attempt that ends, as `start` gave it; another one than the run's current one is refused.
   *
   * @default the current one
   */
  attempt?: number | undefined
  /**
   * After so many failed runs in a row, 1 to 1000, the integration is set to `error` and an alert is recorded, once.
   *
   * @default never
   */
  errorAfter?: number | undefined
}
