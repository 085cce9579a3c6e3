import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { IntegrationsDbError, type IntegrationsDbErrorCode } from '../errors.ts'

/** What a subscriber of `integrations-db:call` is told after each call; never a value, a claim or a statement. */
export type CallEvent = {
  /** Such as `integrations.list`, `query` or `transaction`. */
  method: string
  /** As whom the call was made. */
  role: 'admin' | 'coordinator' | 'service_role'
  /** Null for calls across organizations. */
  organizationId: string | null
  /** How long it took, the wait for a connection included. */
  milliseconds: number
  /** Rows that came back; null where the call failed or does not answer with rows. */
  rows: number | null
  /** Null where the call succeeded, `unknown` where the caller's own code threw. */
  errorCode: IntegrationsDbErrorCode | 'unknown' | null
  /** Whether a replica answered, and not the primary. */
  replica: boolean
}

/** What a subscriber of `integrations-db:replica` is told when a replica is left out, and when it is back. */
export type ReplicaEvent = {
  /** Its place in `replicas`, from 0. */
  replica: number
  /** Whether it answers reads again. */
  available: boolean
  /** Why it is left out; null where it is back. Never a URL. */
  errorCode: IntegrationsDbErrorCode | null
  /** The same in words; null where it is back. */
  message: string | null
}

/**
 * What a subscriber of `tracing:integrations-db:call:start` is told before a call; the same object is told to `:asyncEnd`
 * after it, with the rest filled in.
 */
export type CallTrace = Pick<CallEvent, 'method' | 'role' | 'organizationId'> & {
  /**
   * How long it took, the wait for a connection included.
   *
   * @default undefined, until the call is over
   */
  milliseconds?: number
  /**
   * Rows that came back; null where the call failed or does not answer with rows.
   *
   * @default undefined, until the call is over
   */
  rows?: CallEvent['rows']
  /**
   * Null where the call succeeded, `unknown` where the caller's own code threw.
   *
   * @default undefined, until the call is over
   */
  errorCode?: CallEvent['errorCode']
  /**
   * Whether a replica answered, and not the primary.
   *
   * @default undefined, until the call is over
   */
  replica?: boolean
}

const calls = channel('integrations-db:call')
const traced = tracingChannel<unknown, CallTrace>('integrations-db:call')
const replicas = channel('integrations-db:replica')
const underWay = new AsyncLocalStorage<{ replica: boolean }>()

/** Notes of the call under way, if anybody listens, that a replica answered it. */
export function answeredByReplica(): void {
  const call = underWay.getStore()
  if (call !== undefined) call.replica = true
}

export function announceReplica(event: ReplicaEvent): void {
  replicas.publish(event)
}

type Caller = { role: CallEvent['role']; organizationId: string | null }

/** Runs a call and, where somebody listens, tells how it went. */
export function observed<T>(method: string, scope: Caller, call: () => Promise<T>): Promise<T> {
  if (!calls.hasSubscribers && !traced.start.hasSubscribers && !traced.asyncEnd.hasSubscribers) return call()
  const trace: CallTrace = { method, role: scope.role, organizationId: scope.organizationId }
  // A store bound to `start` is there for all that the call does: calls within a transaction see the transaction's.
  return traced.start.runStores(trace, () => {
    const result = announced(trace, call)
    traced.end.publish(trace)
    return result
  })
}

/** Not the channel's own tracePromise, which would tell subscribers what the call answers. */
async function announced<T>(trace: CallTrace, call: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const answered = { replica: false }
  const publish = (rows: number | null, errorCode: CallEvent['errorCode']) => {
    const { method, role, organizationId } = trace
    const milliseconds = performance.now() - startedAt
    const event: CallEvent = { method, role, organizationId, milliseconds, rows, errorCode, ...answered }
    Object.assign(trace, event)
    if (errorCode !== null) traced.error.publish(trace)
    traced.asyncStart.publish(trace)
    calls.publish(event)
    traced.asyncEnd.publish(trace)
  }
  try {
    const result = await underWay.run(answered, call)
    publish(rowsOf(result), null)
    return result
  } catch (error) {
    publish(null, error instanceof IntegrationsDbError ? error.code : 'unknown')
    throw error
  }
}

function rowsOf(result: unknown): number | null {
  if (Array.isArray(result)) return result.length
  if (result === null) return 0
  if (typeof result !== 'object') return null
  return 'rows' in result && Array.isArray(result.rows) ? result.rows.length : 1
}
