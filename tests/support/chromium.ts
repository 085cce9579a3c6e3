import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/usr/bin/chromium-browser',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const executablePath = places.find((path) => path !== undefined && existsSync(path))

/** Debian's `chromium`, or what stands in the variable CHROMIUM. */
export const hasChromium = executablePath !== undefined

export function startChromium() {
  if (executablePath === undefined) throw new Error('chromium: not found; install it, or set CHROMIUM to its path')
  return chromium.launch({ executablePath })
}
