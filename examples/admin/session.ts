// Who is asking: a verified token in a cookie that no script can read. Nothing else says which organization a page is of.
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { type JWTPayload, jwtVerify } from 'jose'
import { type IntegrationsDb, IntegrationsDbError, type OrganizationScope } from '../../src/index.ts'

export type Member = { scope: OrganizationScope; organizationId: string; isAdmin: boolean }
export type Env = { Variables: { member: Member } }

const longestSeconds = 12 * 3600
/** Browsers drop a cookie of more than 4,096 bytes without a word. */
const longestToken = 3800

export type SessionOptions = { db: IntegrationsDb; jwtSecret: string; origin: string }

export function sessions({ db, jwtSecret, origin }: SessionOptions) {
  const key = new TextEncoder().encode(jwtSecret)
  const wanted = { algorithms: ['HS256'], audience: 'authenticated', requiredClaims: ['exp', 'sub'] }
  const verify = async (token: string): Promise<JWTPayload | null> =>
    token.length > longestToken ? null : ((await jwtVerify(token, key, wanted).catch(() => null))?.payload ?? null)

  // With `__Host-` no subdomain can set it. Strict: a page elsewhere can neither post with it nor open a page with it.
  const secure = origin.startsWith('https:')
  const attributes = { httpOnly: true, sameSite: 'Strict', path: '/', secure } as const
  const kind = secure ? ({ prefix: 'host' } as const) : {}

  /** Sends whoever has no session, or one that is over, to the page that asks for a token. */
  const signedIn: MiddlewareHandler<Env> = async (c, next) => {
    const payload = await verify(getCookie(c, 'session', kind.prefix) ?? '')
    if (payload === null) return c.redirect('/sign-in', 303)
    c.set('member', memberOf(db, payload))
    return next()
  }

  return {
    signedIn,
    /** Null, or the status that says why not. */
    async signIn(c: Context, token: string): Promise<401 | 403 | null> {
      const payload = await verify(token)
      if (payload === null) return 401
      try {
        memberOf(db, payload)
      } catch (error) {
        if (error instanceof IntegrationsDbError && error.code === 'permission_denied') return 403
        throw error
      }
      const maxAge = Math.min((payload.exp ?? 0) - Math.floor(Date.now() / 1000), longestSeconds)
      setCookie(c, 'session', token, { ...attributes, ...kind, maxAge })
      return null
    },
    /** Forgets the token in this browser; it stays valid until it expires. */
    signOut: (c: Context) => deleteCookie(c, 'session', { ...attributes, ...kind }),
  }
}

function memberOf(db: IntegrationsDb, payload: JWTPayload): Member {
  const scope = db.forClaims(payload) // Refuses claims without an organization and a role of ours.
  const claims = payload.app_metadata as { organization_id: string; role: string }
  return { scope, organizationId: claims.organization_id, isAdmin: claims.role === 'admin' }
}
