import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createQueues } from './queues.ts'

const ticks = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await undefined
}

test('an owner has a few works under way, the rest follow in their order, and nobody waits for another owner', async () => {
  const asked = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(asked, fc.array(fc.nat()), async (owners, picks) => {
      const queues = createQueues({ ownerMax: 2, waitingMax: 100 })
      const running: { owner: string; n: number; end: () => void }[] = []
      const begun = new Map<string, number[]>(['a', 'b', 'c'].map((owner) => [owner, []]))
      const all = owners.map((owner, n) =>
        queues.run(owner, () => {
          begun.get(owner)?.push(n)
          return new Promise<void>((end) => running.push({ owner, n, end }))
        }),
      )
      const left = new Map<string, number>()
      for (const owner of owners) left.set(owner, (left.get(owner) ?? 0) + 1)
      for (let step = 0; running.length > 0 || step === 0; step += 1) {
        await ticks()
        for (const [owner, many] of left) {
          expect(running.filter((one) => one.owner === owner)).toHaveLength(Math.min(2, many))
        }
        const [ended] = running.splice((picks[step] ?? 0) % Math.max(1, running.length), 1)
        if (ended === undefined) break
        left.set(ended.owner, (left.get(ended.owner) ?? 0) - 1)
        ended.end()
        await ticks()
      }
      await Promise.all(all)
      for (const order of begun.values()) expect(order).toEqual(order.toSorted((a, b) => a - b))
    }),
  )
})

test('a queue that is too long is refused, also after works that failed', async () => {
  const queues = createQueues({ ownerMax: 1, waitingMax: 1 })
  const gate = Promise.withResolvers<never>()
  const first = queues.run('a', () => gate.promise)
  const second = queues.run('a', async () => 'second')
  await expect(queues.run('a', async () => 'third')).rejects.toMatchObject({ codigo: 'requisicoes-demais' })
  expect(await queues.run('b', async () => 'other')).toBe('other')
  gate.reject(new Error('broken'))
  await expect(first).rejects.toThrow('broken')
  expect(await second).toBe('second')
  expect(await queues.run('a', async () => 'again')).toBe('again')
})
