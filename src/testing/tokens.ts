import { createHmac, randomUUID } from 'node:crypto'
import { readable } from '../util/readable.ts'

/** Who a token speaks of. `role` may be one that has no rights: a test of yours will want to see it refused. */
export type TokenOptions = {
  /**
   * The organization.
   *
   * @default none: the token names no organization
   */
  organizationId?: string | undefined
  /**
   * The role in it.
   *
   * @default 'admin'
   */
  role?: string | undefined
  /**
   * The user.
   *
   * @default a new uuid
   */
  userId?: string | undefined
  /**
   * How long it is valid. Below zero it has expired.
   *
   * @default 3600
   */
  expiresInSeconds?: number | undefined
}

/** The payload of a token as Supabase Auth issues it. */
export type TokenClaims = {
  /** The audience. */
  aud: 'authenticated'
  /** The PostgreSQL role. */
  role: 'authenticated'
  /** The user. */
  sub: string
  /** When it was issued, in seconds since 1970. */
  iat: number
  /** When it expires, in seconds since 1970. */
  exp: number
  /** What users cannot edit. */
  app_metadata: {
    /**
     * The active organization.
     *
     * @default none
     */
    organization_id?: string | undefined
    /** The role in it. */
    role: string
  }
}

/** What a backend holds after it has verified {@link signToken}'s. */
export function tokenClaims(options: TokenOptions): TokenClaims {
  const { organizationId, role, userId, expiresInSeconds = 3600 } = readable('options', () => ({ ...options }))
  const now = Math.floor(Date.now() / 1000)
  return {
    aud: 'authenticated',
    role: 'authenticated',
    sub: userId ?? randomUUID(),
    iat: Math.min(now, now + expiresInSeconds),
    exp: now + expiresInSeconds,
    app_metadata: {
      ...(organizationId === undefined ? {} : { organization_id: organizationId }),
      role: role ?? 'admin',
    },
  }
}

/** A JSON web token signed with HMAC and SHA-256 (RFC 7515, RFC 7518): three lines, and no library that a host would have to have. */
export function signToken(claims: object, secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
