import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { emitDeclarations } from './declarations.ts'

/*
 * What each entry of package.json exports, as API Extractor reports it: a change of the public API is a diff of a file
 * in docs/api. It reads the declarations that tsc emits, with a compiler of its own.
 */

/** The reports by file name. */
export function apiReports(): Map<string, string> {
  const { folder, entries, remove } = emitDeclarations()
  try {
    return new Map(entries.map(({ name, file }) => [`${name}.api.md`, report(folder, name, file)]))
  } finally {
    remove()
  }
}

function report(folder: string, name: string, file: string): string {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    lib: ['es2023'],
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  }
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: file,
      newlineKind: 'lf',
      apiReport: { enabled: true, reportFileName: name, reportFolder: folder, reportTempFolder: join(folder, 'temp') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: { overrideTsconfig: { compilerOptions, files: [file] } },
      messages: {
        // Its declarations are plain TypeScript with plain comments, not TSDoc with release tags.
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  })
  const messages: string[] = []
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback(message) {
      if (message.logLevel === ExtractorLogLevel.Error) messages.push(message.text)
      message.handled = true
    },
  })
  if (!succeeded) throw new Error(`${name}: API Extractor cannot read it: ${messages.join('; ')}`)
  return readFileSync(join(folder, `${name}.api.md`), 'utf8')
}
