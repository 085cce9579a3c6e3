import type { PgTable } from 'drizzle-orm/pg-core'
import { block, literal, name } from '../util/quote.ts'
import { type Extra, functionPath } from './extra.ts'
import { type ApiRole, apiRoles, names } from './kinds.ts'

/* Functions and triggers as extras: drizzle-kit has no word for either. */

/** Comment by which a host marks a function of ours that it replaced; no migration touches it then. */
export const hostMark = 'integrations-db: host'

/**
 * A function without arguments that policies call and a host may replace by its own, marked with the comment
 * `integrations-db: host`.
 */
export function claimsFunction(options: { name: string; returns: string; body: string; comment: string }): Extra {
  const signature = `${options.name}()`
  const marked = `obj_description(to_regprocedure(${literal(signature)}), 'pg_proc') = ${literal(hostMark)}`
  return {
    key: `function ${signature}`,
    phase: 'before',
    create: block(`\
  if ${marked} then
    raise notice '${signature} is the host''s own, left alone';
    return;
  end if;
  create or replace function ${signature} returns ${options.returns}
  language plpgsql
  stable
  set search_path = ${functionPath}
  as $function$
${options.body}
  $function$;
  comment on function ${signature} is ${literal(options.comment)};
  revoke all on function ${signature} from public, ${apiRoles.join(', ')};
  grant execute on function ${signature} to authenticated, service_role;`),
    drop: block(`\
  if ${marked} then
    raise notice '${signature} is the host''s own, left alone';
    return;
  end if;
  drop function if exists ${signature};`),
  }
}

/**
 * A plpgsql function that runs with its owner's rights. Every name in its body that is not PostgreSQL's own is qualified.
 *
 * `parameters` have names and types; without their defaults the same text also names the function. Without `executors`
 * only its owner may call it.
 */
export function definerFunction(options: {
  name: string
  parameters?: string
  returns: string
  stable?: boolean
  executors?: ApiRole[]
  /** From `declare` or `begin` to `end`. */
  body: string
}): Extra {
  const { parameters = '', returns, executors = [] } = options
  const signature = `${options.name}(${parameters.replaceAll(/ default [^,]+/g, '')})`
  const drop = `drop function if exists ${signature};`
  const grant = executors.length > 0 ? `\ngrant execute on function ${signature} to ${executors.join(', ')};` : ''
  // A changed result cannot be replaced. A trigger's function cannot be dropped from under it: it is there before its
  // table and goes after it.
  const serves = returns === 'trigger'
  const create = serves ? 'create or replace' : `${drop}\ncreate`
  return {
    key: `function ${signature}`,
    phase: serves ? 'before' : 'after',
    create: `\
${create} function ${options.name}(${parameters}) returns ${returns}
language plpgsql
${options.stable ? 'stable' : 'volatile'}
security definer
set search_path = ${functionPath}
as $function$
${options.body.trim()}
$function$;
revoke all on function ${signature} from public, ${apiRoles.join(', ')};${grant}`,
    drop,
  }
}

/** A trigger of ours on a table of ours. */
export function trigger(
  table: PgTable,
  options: { name: string; when: string; function: string; arguments?: readonly string[] },
): Extra {
  const { path, quoted } = names(table)
  const passed = (options.arguments ?? []).map(literal).join(', ')
  return {
    key: `trigger ${path} ${options.name}`,
    phase: 'after',
    on: path,
    create: `create or replace trigger ${name(options.name)} ${options.when.replace('{table}', quoted)} execute function ${options.function}(${passed});`,
    drop: `drop trigger if exists ${name(options.name)} on ${quoted};`,
  }
}
