import { createRequire } from 'node:module'
import { join, resolve, sep } from 'node:path'
import type typescript from '../../node_modules/@microsoft/api-extractor/node_modules/typescript/lib/typescript.js'
import type { Declarations } from '../../scripts/declarations.ts'

/*
 * What an editor shows over each name that the package exports, and over each field that can be reached from one. Asked
 * of the compiler that API Extractor brings along: TypeScript 7 has no stable API to ask.
 */
const ts = createRequire(createRequire(import.meta.url).resolve('@microsoft/api-extractor'))(
  'typescript',
) as typeof typescript

/** A documented thing: an export, or a field or method that can be reached from one. */
export type Docstring = {
  name: string
  /** What stands above it, without its tags. */
  text: string
  /** Its tags, such as `example`, `default` and `throws`. */
  tags: ReadonlyMap<string, string>
  isExport: boolean
  isCall: boolean
  isAwaited: boolean
  isOptional: boolean
}

/** Every docstring of the named entries; a thing that two of them export comes once. */
export function docstringsOf({ folder, entries }: Pick<Declarations, 'folder' | 'entries'>): Docstring[] {
  const files = entries.map(({ file }) => file)
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
    typeRoots: [resolve('node_modules', '@types')],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  })
  const walk = new Walk(program.getTypeChecker(), join(folder, 'dist') + sep)
  for (const file of files) walk.entry(program.getSourceFile(file))
  return [...walk.found.values()]
}

class Walk {
  readonly found = new Map<string, Docstring>()
  readonly #seen = new Set<typescript.Type>()
  readonly #checker: typescript.TypeChecker
  readonly #own: string

  constructor(checker: typescript.TypeChecker, own: string) {
    this.#checker = checker
    this.#own = own
  }

  entry(file: typescript.SourceFile | undefined): void {
    const module = file && this.#checker.getSymbolAtLocation(file)
    for (const exported of module ? this.#checker.getExportsOfModule(module) : []) {
      const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0
      this.#export(isAlias ? this.#checker.getAliasedSymbol(exported) : exported)
    }
  }

  #export(symbol: typescript.Symbol): void {
    const [declaration] = symbol.declarations ?? []
    if (declaration === undefined) return
    if (symbol.flags & ts.SymbolFlags.Value) {
      const type = this.#checker.getTypeOfSymbolAtLocation(symbol, declaration)
      this.#add(symbol.name, symbol, { isExport: true, ...this.#calls(type, symbol.name) })
    } else this.#add(symbol.name, symbol, { isExport: true, isCall: false, isAwaited: false })
    if (symbol.flags & ts.SymbolFlags.Type) this.#type(this.#checker.getDeclaredTypeOfSymbol(symbol), symbol.name)
  }

  #add(name: string, symbol: typescript.Symbol, more: Pick<Docstring, 'isExport' | 'isCall' | 'isAwaited'>): void {
    if (this.found.has(name)) return
    const tags = symbol.getJsDocTags(this.#checker)
    this.found.set(name, {
      name,
      text: ts.displayPartsToString(symbol.getDocumentationComment(this.#checker)),
      tags: new Map(tags.map((tag) => [tag.name, ts.displayPartsToString(tag.text)])),
      isOptional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
      ...more,
    })
  }

  /** Goes on to what a function takes and gives. */
  #calls(type: typescript.Type, name: string): { isCall: boolean; isAwaited: boolean } {
    const signatures = type.getCallSignatures()
    for (const signature of signatures) {
      for (const parameter of signature.parameters) {
        const [declaration] = parameter.declarations ?? []
        if (declaration)
          this.#type(this.#checker.getTypeOfSymbolAtLocation(parameter, declaration), `${name}(${parameter.name})`)
      }
      this.#type(signature.getReturnType(), `${name}()`)
    }
    const isAwaited = signatures.some((signature) => signature.getReturnType().symbol?.name === 'Promise')
    return { isCall: signatures.length > 0, isAwaited }
  }

  /** Goes on to every field of ours. */
  #type(type: typescript.Type, path: string): void {
    if (this.#seen.has(type)) return
    this.#seen.add(type)
    const name = type.aliasSymbol?.name ?? (type.symbol && type.symbol.name !== '__type' ? type.symbol.name : path)
    if (type.isUnionOrIntersection()) for (const part of type.types) this.#type(part, name)
    for (const argument of [...(type.aliasTypeArguments ?? []), ...this.#arguments(type)]) this.#type(argument, path)
    for (const property of type.isUnion() ? [] : this.#checker.getPropertiesOfType(type)) {
      const declaration = property.declarations?.find((one) =>
        resolve(one.getSourceFile().fileName).startsWith(this.#own),
      )
      if (declaration === undefined || property.name.startsWith('#')) continue
      const own = this.#checker.getTypeOfSymbolAtLocation(property, declaration)
      const full = `${name}.${property.name}`
      this.#add(full, property, { isExport: false, ...this.#calls(own, full) })
      this.#type(own, full)
    }
  }

  #arguments(type: typescript.Type): readonly typescript.Type[] {
    const isReference = 'target' in type && (type.flags & ts.TypeFlags.Object) !== 0
    return isReference ? this.#checker.getTypeArguments(type as typescript.TypeReference) : []
  }
}
