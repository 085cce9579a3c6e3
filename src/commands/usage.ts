import type { Command, Option } from './command.ts'

/* How a command is called, from its declaration. */

/** An option as it is typed, with the name of its value. */
export function flag(name: string, { short, value }: Option): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`
  return short === undefined ? long : `-${short}, ${long}`
}

/** The name and the argument: `login create NAME`. */
export function title({ name, argument }: Command): string {
  return argument === undefined ? name : `${name} ${argument.name}`
}

/** The whole usage as words that must not be broken: `rollback`, `(--steps N | --to VERSION)`, `[--yes]`. */
export function usage(command: Command): string[] {
  const { options, choices = [] } = command
  const printed = new Set<string>()
  const words = Object.entries(options).flatMap(([name, option]) => {
    if (printed.has(name) || option.needs !== undefined) return []
    const choice = choices.find(({ of }) => of.includes(name))
    for (const one of choice?.of ?? [name]) printed.add(one)
    const text = (choice?.of ?? [name]).map((one) => withDependents(command, one)).join(' | ')
    if (choice !== undefined) return [choice.required ? `(${text})` : `[${text}]`]
    return [option.required ? text : `[${text}]`]
  })
  return [`integrations-db ${title(command)}`, ...words]
}

function withDependents({ options }: Command, name: string): string {
  const dependents = Object.entries(options).filter(([, { needs }]) => needs === name)
  const own = options[name]
  if (own === undefined) throw new Error(`a choice names --${name}, which is not declared`)
  return [flag(name, own), ...dependents.map(([other, option]) => `[${flag(other, option)}]`)].join(' ')
}
