import { sql } from 'drizzle-orm/sql'

/*
 * Policies read claims through these two functions only, each inside `(select ...)`: PostgreSQL then evaluates it once
 * per statement instead of once per row, and a host that keeps memberships in a table has one place to change.
 */

/** The organization of the caller's token. */
export const currentOrganizationId = sql`(select integrations.current_organization_id())`

/** The caller's role in that organization. */
export const currentOrganizationRole = sql`(select integrations.current_organization_role())`

/** The two functions by their signatures. */
export const claimsFunctions = ['integrations.current_organization_id()', 'integrations.current_organization_role()']
