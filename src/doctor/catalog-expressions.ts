import { apiRoles } from '../extras/kinds.ts'
import { literal } from '../util/quote.ts'

/* Expressions that the catalog's statement is made of. What goes into them stands in this folder. */

export const list = (values: readonly string[]) => `array[${values.map(literal).join(', ')}]::text[]`

/** `role=PRIVILEGE`, `*` where it may be passed on; the owner under that name, so that any owner compares equal. */
export const privileges = (acl: string, kind: string, owner: string, whose: 'api' | 'others') => `(
    select nullif(jsonb_agg(distinct entry), '[]')
    from (
      select format('%s=%s%s',
        case when a.grantee = ${owner} then 'owner' when a.grantee = 0 then 'public' else quote_ident(r.rolname) end,
        a.privilege_type,
        case when a.is_grantable and a.grantee <> ${owner} then '*' end) as entry
      from aclexplode(${kind === 'c' ? acl : `coalesce(${acl}, acldefault('${kind}', ${owner}))`}) as a
      left join pg_roles as r on r.oid = a.grantee
      -- Only from 17 on is there such a privilege, so an owner who has it is no difference.
      where not (a.grantee = ${owner} and a.privilege_type = 'MAINTAIN')
        and ${
          whose === 'api'
            ? `(a.grantee in (0, ${owner}) or r.rolname = any (${list(apiRoles)}))`
            : `not (a.grantee in (0, ${owner}) or r.rolname = any (${list(apiRoles)}) or r.rolsuper)`
        }
    ) as entries)`

export const owned = (oid: string, catalog: string, owner: string, acl: string, kind: string) => `
      'owner', quote_ident(pg_get_userbyid(${owner})),
      'privileges', ${privileges(acl, kind, owner, 'api')},
      'privileges of others', ${privileges(acl, kind, owner, 'others')},
      'comment', obj_description(${oid}, '${catalog}')`

/** What tuning there is beside the defaults. */
export const settings = (options: string, ...more: string[]) =>
  `nullif(to_jsonb(array_remove(array_cat(${options}, array[${more.join(', ')}]), null)), '[]')`

export const lines = (text: string) => `to_jsonb(string_to_array(rtrim(${text}, E'\\n'), E'\\n'))`

/** API roles for which a condition holds; `bootstrap` may not have made all of them. */
export const rolesWho = (condition: string) => `(
    select string_agg(r.rolname, ', ' order by r.rolname)
    from pg_roles as r
    where r.rolname = any (${list(apiRoles)}) and ${condition})`
