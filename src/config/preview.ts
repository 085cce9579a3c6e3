import type { FieldMappings } from './documents.ts'
import { type Resolution, type ResolveOptions, resolverOf } from './resolve.ts'

/** What one of the records gives, counted from 1. */
export type PreviewedRecord = Resolution & {
  /** The record's number, from 1. */
  readonly record: number
}

/**
 * What mappings make of sample records, one after the other; nothing is written, and no record is kept.
 *
 * `records` is any iterable, or an async one such as a stream. Sends nothing. What it throws is what the iterable throws.
 *
 * @example
 * for await (const { record, values, problems } of previewMappings(row.fieldMappings, invoices)) console.log(record, values)
 *
 * @throws nothing of its own.
 */
export async function* previewMappings(
  mappings: FieldMappings,
  records: Iterable<unknown> | AsyncIterable<unknown>,
  options: ResolveOptions = {},
): AsyncGenerator<PreviewedRecord, void, undefined> {
  const resolve = resolverOf(mappings, options)
  let record = 0
  for await (const one of records) yield { record: ++record, ...resolve(one) }
}
