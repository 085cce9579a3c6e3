import { expect, test } from 'vitest'
import { presentable, withoutPasswords } from '../../src/errors.ts'

test('a message shows the example of a URL that it gives, and the login of no other', () => {
  const example = 'url: must be a URL such as postgresql://login:password@host:5432/database'
  expect(presentable(example)).toBe(example)
  expect(presentable(`${example}, not postgres://me:canary@h/d`)).toBe(`${example}, not postgres://…@h/d`)
})

test.each([
  ['    at run (file:///srv/app/node_modules/@org/integrations-db/dist/cli.js:1:2)'],
  ['    at run (file:///C:/app/node_modules/@org/integrations-db/dist/cli.js:1:2)'],
])('a stack trace shows its files: %s', (frame) => expect(withoutPasswords(frame)).toBe(frame))

test.each([
  'postgres://me:canary@h/d',
  'postgres:/me:can@canary@h/d',
  '/srv/postgres:/me:canary@h/d',
  'postgres://me:file:///canary@h/d',
  'file:///srv/@org/cli.js: postgres://me:canary@h/d',
  'profile://me:canary@h',
  'x://me:C:/canary@h',
])('a login is hidden wherever it stands: %s', (text) => expect(withoutPasswords(text)).not.toContain('canary'))
