/** What is made when it is first asked for, and kept: importing the package should cost what its dependencies cost. */
export function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
