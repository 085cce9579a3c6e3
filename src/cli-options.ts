/* What the command line takes. */

export const usage = `integrations-db <command>

  build [--drizzle DIR] [--supabase DIR] [--check]   drizzle-kit output → Supabase migrations and rollbacks
  migrate                                            applies what is pending
  rollback --steps N [--yes]                         runs rollback files, newest first
  bootstrap                                          roles and schema that plain PostgreSQL lacks
  login create NAME [--service]                      a login for backends; prints its password once
  credentials audit [--apply]                        secrets without a reference, references without a secret
  credentials revoke (--organization ID | --all) [--apply]   in a breach: ends credentials, alerts each organization
  credentials move --to vault [--apply]              from the pgcrypto fallback into Supabase Vault
  credentials rotate-key [--apply]                   from INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY to INTEGRATIONS_ENCRYPTION_KEY
  repair [--apply]                                   finds malformed documents; --apply quarantines, resets and alerts
  repair --restore EVENT [--document FILE]           puts a quarantined document back once it breaks no rule
  registry --dart OUT.dart | --check FILE.dart       the Dart side of the enums: writes it, or says what differs
  lockdown [--lift]                                  nobody but administrators reads or writes our tables; back again

The database is --url or INTEGRATIONS_ADMIN_URL. --json prints one JSON document.
Without --apply, credentials and repair print their plan and change nothing.
Exit status: 0 done, 1 findings, refused or failed, 2 usage.
Example: integrations-db build --drizzle drizzle --supabase supabase`

export const options = {
  drizzle: { type: 'string', default: 'drizzle' },
  supabase: { type: 'string' },
  check: { type: 'boolean', default: false },
  dart: { type: 'string' },
  url: { type: 'string' },
  steps: { type: 'string' },
  yes: { type: 'boolean', default: false },
  service: { type: 'boolean', default: false },
  apply: { type: 'boolean', default: false },
  organization: { type: 'string' },
  all: { type: 'boolean', default: false },
  to: { type: 'string' },
  'allow-parameter-logging': { type: 'boolean', default: false },
  restore: { type: 'string' },
  document: { type: 'string' },
  lift: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const
