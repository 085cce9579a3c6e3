import type { SecurityAdvice } from '../../admin/management-api.ts'
import type { Finding } from '../finding.ts'
import { advise } from './advice.ts'

/** What Supabase's security advisors say: advice where it names something of ours, else the host's own business. */
export function advisorFindings(all: SecurityAdvice[]): Finding[] {
  return all.map(({ name, level, detail, remediation }) =>
    advise({
      severity:
        /\bintegrations\.|\borganization_integration/.test(detail) && level !== 'INFO' ? 'advice' : 'information',
      what: `security advisor: ${name}`,
      where: 'the Supabase project',
      expected: 'nothing to advise',
      found: detail,
      hint: remediation,
    }),
  )
}
