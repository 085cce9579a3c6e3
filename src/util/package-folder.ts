import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** Where this package lies. Asked by its name: the build joins modules, and where they lie then says nothing. */
export const packageFolder = dirname(createRequire(import.meta.url).resolve('@org/integrations-db/package.json'))
