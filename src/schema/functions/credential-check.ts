import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { rules } from '../../config/rules.ts'
import { definerFunction, trigger } from '../../extras/functions.ts'
import { literal } from '../../util/quote.ts'
import { organizationIntegrationChanges } from '../organization-integration-changes.ts'
import { tables } from '../tables.ts'
import { looksLikeCredential, stems } from './credential-rules.ts'

/*
 * No column of ours that holds text or a document takes a credential, whoever writes. By trigger, because the DETAIL of a
 * CHECK prints the row. What configuration_check looks at is left to it.
 */

const checkedElsewhere = ['field_mappings', 'excluded_features', 'sync_schedule']

/** The columns of a table that a credential could be written into. */
const textColumns = (table: PgTable) =>
  getTableConfig(table).columns.flatMap((column) =>
    /^(text|varchar|jsonb)/.test(column.getSQLType()) && !checkedElsewhere.includes(column.name) ? [column.name] : [],
  )

/**
 * Which rows are worth a look, without naming a column: one that a trigger's condition names can be neither dropped nor
 * given another type.
 */
const suspicious = `replace(lower((to_jsonb(new) - array[${checkedElsewhere.map(literal).join(', ')}])::text collate "C"), '_', '') like any (${stems})`

/** What a trigger of ours writes is redacted by it, or a row that is there could not be changed. Each row would pay twice. */
const recordedByTrigger = new Set<PgTable>([organizationIntegrationChanges])

/** The trigger of one table; none where it has nothing to look at. */
function credentialCheck(table: PgTable) {
  const columns = textColumns(table)
  if (columns.length === 0) return []
  return [
    trigger(table, {
      // One name per table: it stands in a list beside the others.
      name: `${getTableConfig(table).name}_credential_check`,
      when: `before insert or update on {table} for each row when (${recordedByTrigger.has(table) ? 'pg_trigger_depth() = 0' : suspicious})`,
      function: 'integrations.refuse_credentials',
      arguments: columns,
    }),
  ]
}

export const credentialChecks = [
  // The trigger's arguments are the columns. What did not change is not looked at: an old row can still be changed.
  definerFunction({
    name: 'integrations.refuse_credentials',
    returns: 'trigger',
    body: `\
declare
  written jsonb := to_jsonb(new);
  kept jsonb := case tg_op when 'UPDATE' then to_jsonb(old) end;
  value jsonb;
  content text;
  rule text;
  violations text[] := '{}';
begin
  for i in 0 .. tg_nargs - 1 loop
    value := written -> tg_argv[i];
    continue when value = coalesce(kept -> tg_argv[i], 'null');
    content := case jsonb_typeof(value) when 'string' then value #>> '{}' end;
    rule := case
      when content is not null then case when ${looksLikeCredential('content')} then ${literal(rules.credential)} end
      -- Of a document and a list: what repair would hide.
      when integrations.redacted(value) is distinct from value then ${literal(rules.redacted)} end;
    if rule is not null then
      violations := violations || (tg_argv[i] || ': ' || rule);
    end if;
  end loop;
  if violations <> '{}' then
    -- The constraint's name tells the application that the message is this function's, and holds no value.
    raise exception using errcode = 'check_violation', message = array_to_string(violations, '; '), constraint = 'credential_check';
  end if;
  return new;
end`,
  }),
  ...tables
    .flatMap((table) => credentialCheck(table))
    // How a module lists its exports differs between those that load it.
    .sort((a, b) => (a.key < b.key ? -1 : 1)),
]
