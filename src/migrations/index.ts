/* The generator's door: what other folders may use of it. */

export { build } from './build.ts'
export { readDrizzleFolder } from './drizzle-folder.ts'
export { replaceEnum } from './enum-labels.ts'
export { noTransaction, projectOf, signatureOf } from './render.ts'
export { closingText, parseStatements } from './statements.ts'
export { laterThan } from './versions.ts'
