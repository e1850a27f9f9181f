import { expect, test } from 'vitest'
import { waitFor } from './wait-for.ts'

test('it ends as soon as the condition holds', async () => {
  let looks = 0
  await waitFor(() => ++looks === 3, { intervalMs: 1 })
  expect(looks).toBe(3)
})

test('it names what it waited for, and keeps the last error as the cause', async () => {
  const refused = new Error('refused')
  const waiting = waitFor(() => Promise.reject(refused), { timeoutMs: 20, what: 'the server' })
  await expect(waiting).rejects.toMatchObject({ message: expect.stringContaining('the server'), cause: refused })
})
