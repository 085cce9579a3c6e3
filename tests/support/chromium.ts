import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const executablePath = places.find((path) => path !== undefined && existsSync(path))

/** Debian's `chromium`, or what stands in the variable CHROMIUM. */
export const hasChromium = executablePath !== undefined

export function startChromium() {
  if (executablePath === undefined) throw new Error('chromium: not found; install it, or set CHROMIUM to its path')
  // Its sandbox refuses to run as root, as a container does.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}
