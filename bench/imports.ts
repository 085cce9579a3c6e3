import { spawnSync } from 'node:child_process'

/** What whole processes take that only import something; milliseconds, medians of interleaved runs. */
export type ImportCost = { name: string; milliseconds: number }

const byHand = `await Promise.all([import('drizzle-orm/postgres-js'), import('postgres'), import('zod')])`
const client = `(await import('@org/integrations-db')).createIntegrationsDb('postgresql://login@127.0.0.1:1/database')`

/** By name, so that results can be found; in the package's own folder its name means the build in `dist`. */
const programs = {
  'Node alone': '',
  'drizzle-orm/postgres-js, postgres and zod': byHand,
  '@org/integrations-db and a client': client,
  'the same, and the driver that its first call loads': `${client}\nawait import('postgres')`,
  'drizzle-orm/pg-core': `await import('drizzle-orm/pg-core')`,
  '@org/integrations-db/schema': `await import('@org/integrations-db/schema')`,
}

/** Runs each program so many times, in turns: whatever slows the machine slows all of them. */
export function measureImports(rounds = 41): ImportCost[] {
  const samples = new Map<string, number[]>()
  for (let round = -1; round < rounds; round++) {
    for (const [name, program] of Object.entries(programs)) {
      const startedAt = performance.now()
      const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program])
      if (status !== 0) throw new Error(`${name}: exit ${status}\n${stderr}`)
      // The first round fills the file system's cache and does not count.
      if (round >= 0) samples.set(name, [...(samples.get(name) ?? []), performance.now() - startedAt])
    }
  }
  return [...samples].map(([name, taken]) => ({
    name,
    milliseconds: taken.sort((a, b) => a - b)[Math.floor(taken.length / 2)] ?? Number.NaN,
  }))
}

/** How much dearer an import of ours is than what it is made of: the package with a client, and the schema alone. */
export function importRatios(costs: ImportCost[]): { library: number; schema: number } {
  const of = (name: keyof typeof programs) => costs.find((cost) => cost.name === name)?.milliseconds ?? Number.NaN
  return {
    library: of('@org/integrations-db and a client') / of('drizzle-orm/postgres-js, postgres and zod'),
    schema: of('@org/integrations-db/schema') / of('drizzle-orm/pg-core'),
  }
}
