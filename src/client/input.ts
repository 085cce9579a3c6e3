import { z } from 'zod'
import { ExcludedFeatures, FieldMappings } from '../config/documents.ts'
import { isTimeZone, scheduleProblem } from '../config/schedule.ts'
import { shortText, textUpTo } from '../config/short-text.ts'
import { inCurrentVersion, upcastMappings, withVersion } from '../config/versions.ts'
import { copied } from '../config/violations.ts'
import { integrationStatus, integrationType } from '../schema/enums.ts'
import { longestRunMessage, runCountLimits, runOutcomes } from '../schema/organization-integration-runs.ts'
import { check } from '../util/checks.ts'
import { lazily } from '../util/lazily.ts'
import type {
  AlertPageOptions,
  EventFeedOptions,
  EventPageOptions,
  IntegrationPatch,
  ListFilter,
  PageOptions,
  RevisionOptions,
  RunEnd,
  RunPageOptions,
  RunStart,
  SchedulePageOptions,
} from './call-options.ts'
import { eventActions } from './event-statements.ts'

/*
 * What callers hand in, checked before anything is sent. Messages name the field and the rule, never the value: a
 * credential pasted into the wrong field must not end up in a log. Each schema is built by the first call that needs it.
 */

const type = lazily(() => z.enum(integrationType.enumValues))
const status = lazily(() => z.enum(integrationStatus.enumValues))

/** In the current version, whichever the document says it is in. */
const mappings = lazily(() =>
  z
    .preprocess((given) => inCurrentVersion(copied(given)), FieldMappings)
    .transform((document) => upcastMappings(document)),
)
const savedMappings = lazily(() => mappings().transform(withVersion))

const schedule = lazily(() =>
  z.string().check((given) => {
    const problem = scheduleProblem(given.value)
    if (problem !== null) given.issues.push({ code: 'custom', message: problem, input: 'a schedule' })
  }),
)

/** A check for each field of a type, and for no other. */
type Checks<T> = { [F in keyof T]-?: z.ZodType }

/** Of an edit: null takes a key away, also one that should never have been there. */
const mappingsEdit = lazily(() =>
  z
    .preprocess((given) => copied(given), z.record(z.string(), z.unknown()))
    .transform((edit, context) => {
      const removed = Object.keys(edit).filter((key) => edit[key] === null)
      if (Object.hasOwn(edit, '$version'))
        context.addIssue({ code: 'custom', path: ['$version'], message: 'cannot be set' })
      if (Object.keys(edit).length === 0)
        context.addIssue({ code: 'custom', message: 'must set or remove at least one field' })
      return { removed, set: Object.fromEntries(Object.entries(edit).filter(([, mapping]) => mapping !== null)) }
    }),
)

const settings = lazily(() =>
  z.strictObject({
    status: status().optional(),
    fieldMappings: savedMappings().optional(),
    syncSchedule: schedule().nullable().optional(),
    excludedFeatures: ExcludedFeatures.optional(),
  } satisfies Checks<IntegrationPatch>),
)

const revision = lazily(() =>
  z.strictObject({
    expectedRevision: z.string().regex(/^\d+$/, 'must be the revision of a row').optional(),
  } satisfies Checks<RevisionOptions>),
)

const newIntegration = lazily(() => settings().extend({ integrationType: type() }))
const patch = lazily(() =>
  settings().refine(
    (fields) => Object.values(fields).some((value) => value !== undefined),
    'must set at least one field',
  ),
)
const listFilter = lazily(() => z.strictObject({ status: status().optional() } satisfies Checks<ListFilter>))
const rowPage = lazily(() =>
  z.strictObject({
    limit: z.int().min(1).max(1000).default(500),
    after: z.string().nullish(),
  } satisfies Checks<PageOptions>),
)
const page = lazily(() =>
  rowPage().extend({
    timeZone: z.string().refine(isTimeZone, 'must be an IANA name such as Europe/Oslo').default('UTC'),
    since: z.date().optional(),
  } satisfies Checks<Omit<SchedulePageOptions, keyof PageOptions>>),
)

const most = () => z.int().min(1).max(1000).default(100)
const action = () => z.enum(eventActions).optional()
const eventPage = lazily(() =>
  z
    .strictObject({
      action: action(),
      integrationType: type().optional(),
      limit: most(),
      after: z.guid('must be the id of an event').optional(),
      before: z.guid('must be the id of an event').optional(),
    } satisfies Checks<EventPageOptions>)
    .refine(({ after, before }) => after === undefined || before === undefined, {
      path: ['before'],
      message: 'is the former name of after; pass after alone',
    })
    .transform(({ before, after = before, ...page }) => ({ ...page, after })),
)
const eventFeed = lazily(() =>
  z.strictObject({ action: action(), limit: most(), after: z.string().nullish() } satisfies Checks<EventFeedOptions>),
)
const alertPage = lazily(() =>
  z.strictObject({
    limit: most(),
    after: z.guid('must be the id of an alert').optional(),
  } satisfies Checks<AlertPageOptions>),
)
const runPage = lazily(() =>
  z.strictObject({
    integrationType: type().optional(),
    limit: most(),
    after: z.guid('must be the id of a run').optional(),
  } satisfies Checks<RunPageOptions>),
)
const runStart = lazily(() =>
  z.strictObject({
    organizationId: z.guid('must be a uuid').toLowerCase(),
    integrationType: type(),
    // Runs are known by it, and the latest one says how things stand: a far one would hide all that follow.
    due: z
      .date()
      .min(new Date(0), 'must be 1970 or later')
      .refine((due) => due.getTime() <= Date.now() + 366 * 86_400_000, 'must be at most a year ahead'),
    retries: z.boolean().default(false),
  } satisfies Checks<RunStart>),
)
const counts = lazily(() =>
  z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'must be a name'), z.number())
    .refine(
      (given) => Object.keys(given).length <= runCountLimits.fields,
      `must hold at most ${runCountLimits.fields} numbers`,
    ),
)
/** A record leaves this name out without a word. */
function readCounts(given: unknown, context: z.RefinementCtx): unknown {
  const read = copied(given)
  if (typeof read === 'object' && read !== null && Object.hasOwn(read, '__proto__'))
    context.addIssue('__proto__ must not be a name')
  return read
}

const runEnd = lazily(() =>
  z.strictObject({
    outcome: z.enum(runOutcomes),
    message: textUpTo(longestRunMessage).optional(),
    counts: z.preprocess(readCounts, counts().optional()),
    attempt: z.int().min(1).optional(),
    errorAfter: z.int().min(1).max(1000).optional(),
  } satisfies Checks<RunEnd>),
)
const credentialOptions = lazily(() => z.strictObject({ reason: shortText().optional() }))
const rotation = lazily(() => credentialOptions().extend({ graceSeconds: z.int().min(0).max(2_592_000).optional() }))
const version = lazily(() => z.int().min(1).optional())

const time = lazily(() => z.date().optional())

export const input = {
  type: (value: unknown) => check('integrationType', type, value),
  newIntegration: (value: unknown) => check('', newIntegration, value),
  patch: (value: unknown) => check('patch', patch, value),
  mappingsEdit(value: unknown) {
    const { set, removed } = check('fieldMappings', mappingsEdit, value)
    return { removed, set: check('fieldMappings', mappings, set) }
  },
  fieldMappings: (value: unknown) => check('fieldMappings', savedMappings, value),
  features: (value: unknown) => check('excludedFeatures', () => ExcludedFeatures, value),
  revision: (value: unknown) => check('', revision, value),
  listFilter: (value: unknown) => check('', listFilter, value),
  page: (value: unknown) => check('', page, value),
  rowPage: (value: unknown) => check('', rowPage, value),
  eventPage: (value: unknown) => check('', eventPage, value),
  eventFeed: (value: unknown) => check('', eventFeed, value),
  alertPage: (value: unknown) => check('', alertPage, value),
  runPage: (value: unknown) => check('', runPage, value),
  runStart: (value: unknown) => check('', runStart, value),
  runEnd: (value: unknown) => check('', runEnd, value),
  credentialOptions: (value: unknown) => check('', credentialOptions, value),
  rotation: (value: unknown) => check('', rotation, value),
  version: (value: unknown) => check('version', version, value),
  time: (field: string, value: unknown) => check(field, time, value),
}
