/* A host's calls; completions.test.ts asks for what an editor offers where it says "here". */
import type { OrganizationScope, ServiceScope } from '../../src/index.ts'

export function calls(acme: OrganizationScope, service: ServiceScope, organizationId: string): void {
  acme.integrations.setFieldMappings('xledger', { /* here: setFieldMappings */ amount: 'invoiceAmount', our_own: null })
  acme.integrations.update('bufdir', { fieldMappings: { /* here: update */ our_own: { const: 1 } } })
  acme.integrations.create({ integrationType: 'consio', fieldMappings: { /* here: create */ our_own: 'x' } })
  acme.integrations.upsert({ integrationType: 'cornerstone', fieldMappings: { /* here: upsert */ our_own: 'x' } })
  acme.transaction((tx) =>
    tx.integrations.update('dynamics', {
      fieldMappings: {
        /* here: in a transaction */
      },
    }),
  )
  service
    .forOrganization(organizationId)
    .integrations.setFieldMappings('bufdir', { /* here: service */ participants: { path: 'count', required: true } })
}
