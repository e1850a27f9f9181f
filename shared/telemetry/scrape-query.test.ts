import { expect, test, vi } from 'vitest'
import { createScrapeQuery } from './scrape-query.ts'

test('all gauges of one scrape cost one question', async () => {
  const ask = vi.fn(async () => 7)
  const look = createScrapeQuery(ask)
  expect(await Promise.all([look(), look(), look()])).toEqual([7, 7, 7])
  expect(ask).toHaveBeenCalledTimes(1)
})

test('what fails shows nothing, and what hangs shows nothing in time', async () => {
  const failing = createScrapeQuery(() => Promise.reject(new Error('away')))
  expect(await failing()).toBeUndefined()
  const before = performance.now()
  expect(await createScrapeQuery(() => new Promise<number>(() => {}))()).toBeUndefined()
  expect(performance.now() - before).toBeLessThan(5_000)
})

test('a question that throws at once shows nothing', async () => {
  const look = createScrapeQuery((): Promise<number> => {
    throw new Error('closed')
  })
  expect(await look()).toBeUndefined()
})
