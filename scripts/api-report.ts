import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

/*
 * What each entry of package.json exports, as API Extractor reports it: a change of the public API is a diff of a file
 * in docs/api. It reads the declarations that tsc emits, with a compiler of its own.
 */

type Manifest = { exports: Record<string, string | { types: string }> }

/** The reports by file name. */
export function apiReports(): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-api-'))
  try {
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
    copyFileSync('package.json', join(folder, 'package.json'))
    const emit = ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')]
    execFileSync('tsc', emit, { stdio: 'inherit', shell: process.platform === 'win32' })
    return new Map(entries().map(({ name, types }) => [`${name}.api.md`, report(folder, name, types)]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function entries(): { name: string; types: string }[] {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ name: path === '.' ? 'index' : path.slice('./'.length), types: target.types }],
  )
}

function report(folder: string, name: string, types: string): string {
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
      mainEntryPointFilePath: join(folder, types),
      newlineKind: 'lf',
      apiReport: { enabled: true, reportFileName: name, reportFolder: folder, reportTempFolder: join(folder, 'temp') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: { overrideTsconfig: { compilerOptions, files: [join(folder, types)] } },
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
  if (!succeeded) throw new Error(`${types}: API Extractor cannot read it: ${messages.join('; ')}`)
  return readFileSync(join(folder, `${name}.api.md`), 'utf8')
}
