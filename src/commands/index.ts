import { alertsCommand } from './alerts.ts'
import { bootstrapCommand } from './bootstrap.ts'
import { buildCommand } from './build.ts'
import type { Command } from './command.ts'
import { credentialCommands } from './credentials.ts'
import { doctorCommand } from './doctor.ts'
import { exportCommand } from './export.ts'
import { lockdownCommand } from './lockdown.ts'
import { loginCommand } from './login.ts'
import { mappingsPreviewCommand } from './mappings.ts'
import { migrateCommand } from './migrate.ts'
import { pruneCommands } from './prune.ts'
import { registryCommand } from './registry.ts'
import { repairCommand } from './repair.ts'
import { rollbackCommand } from './rollback.ts'
import { statusCommand } from './status.ts'
import { topCommand } from './top.ts'

/** Every command, in the order of help and documentation. */
export const groups: readonly { heading: string; commands: readonly Command[] }[] = [
  { heading: 'Set up', commands: [bootstrapCommand, loginCommand] },
  {
    heading: 'Migrations',
    commands: [migrateCommand, rollbackCommand, statusCommand, exportCommand, buildCommand],
  },
  { heading: 'Checks', commands: [doctorCommand, repairCommand, mappingsPreviewCommand, registryCommand] },
  { heading: 'Events and runs', commands: [topCommand, alertsCommand, ...pruneCommands] },
  { heading: 'Credentials and emergencies', commands: [...credentialCommands, lockdownCommand] },
]
export const commands = groups.flatMap(({ commands }) => commands)
