import type { useDatabase } from './database.ts'

/** Writes integrations that no rule has looked at, as from before the rules. Each tells its organization. */
export const brokenRows =
  (t: ReturnType<typeof useDatabase>) =>
  async (
    mappings: string,
    features = '[]',
    organizationId?: string,
    type = 'xledger',
    schedule: string | null = null,
  ): Promise<string> => {
    const id = organizationId ?? (await t.organization())
    await t.admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`insert into organization_integrations (organization_id, integration_type, status, field_mappings, excluded_features, sync_schedule)
        values (${id}, ${type}, 'active', ${mappings}::text::jsonb, ${features}::text::jsonb, ${schedule})`
    })
    return id
  }
