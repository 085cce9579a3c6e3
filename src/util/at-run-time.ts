/**
 * Imports a package that is found, or not, where the code runs: bundlers neither join it nor warn of it. For what only some
 * commands need, and for optional peers.
 */
export function importAtRunTime(name: string): Promise<unknown> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)
}
