import { afterEach } from 'vitest'

/** What this file's tests open is closed after each of them, the last first. `later(close, value)` gives the value. */
export const closedAfterEach = () => {
  const closers: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  return <T>(close: (value: T) => Promise<unknown> | unknown, value: T): T => {
    closers.push(() => close(value))
    return value
  }
}
