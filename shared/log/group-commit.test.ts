import { describe, expect, it } from 'vitest'
import { Unavailable } from '../errors.ts'
import { createGroupCommit } from './group-commit.ts'

type Item = { n: number; key?: string; owner?: string }
type Gate = { items: readonly Item[]; release: () => void; fail: (error: Error) => void }

type Limits = { batchRowsMax?: number; inFlightMax?: number; queueMax?: number; onRefused?: () => void }

/** A flush that answers when the test says so. */
const gated = (limits: Limits = {}) => {
  const gates: Gate[] = []
  const group = createGroupCommit<Item, number>({
    ...limits,
    keysOf: ({ key }) => (key === undefined ? [] : [key]),
    ownerOf: ({ n, owner }) => owner ?? `${n}`,
    flush: (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<number[]>()
      gates.push({ items, release: () => resolve(items.map(({ n }) => n * 10)), fail: reject })
      return promise
    },
  })
  return { group, gates }
}
const tick = () => new Promise((resolve) => setImmediate(resolve))

describe('group commit', () => {
  it('sends the first item at once and collects the rest while it is in the air', async () => {
    const { group, gates } = gated({ inFlightMax: 1 })
    const first = group.add({ n: 1 })
    await tick()
    const rest = [2, 3, 4].map((n) => group.add({ n }))
    await tick()
    expect(gates.map(({ items }) => items.length)).toEqual([1])
    gates[0]?.release()
    expect(await first).toBe(10)
    expect(gates[1]?.items.map(({ n }) => n)).toEqual([2, 3, 4])
    gates[1]?.release()
    expect(await Promise.all(rest)).toEqual([20, 30, 40])
  })

  it('never puts two items of one key in the air together, and keeps their order', async () => {
    const { group, gates } = gated()
    const answers = [
      group.add({ n: 1, key: 'a' }),
      group.add({ n: 2, key: 'a' }),
      group.add({ n: 3, key: 'b' }),
      group.add({ n: 4, key: 'a' }),
    ]
    await tick()
    expect(gates.map(({ items }) => items.map(({ n }) => n))).toEqual([[1, 3]])
    gates[0]?.release()
    await answers[0]
    expect(gates[1]?.items.map(({ n }) => n)).toEqual([2])
    gates[1]?.release()
    await answers[1]
    gates[2]?.release()
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40])
  })

  it('refuses with Indisponivel when the queue is full, and takes items again afterwards', async () => {
    let refused = 0
    const { group, gates } = gated({ inFlightMax: 1, queueMax: 2, onRefused: () => refused++ })
    const first = group.add({ n: 1 })
    await tick()
    const waiting = [group.add({ n: 2 }), group.add({ n: 3 })]
    await expect(group.add({ n: 4 })).rejects.toBeInstanceOf(Unavailable)
    expect(refused).toBe(1)
    gates[0]?.release()
    await first
    gates[1]?.release()
    await Promise.all(waiting)
    const again = group.add({ n: 5 })
    await tick()
    gates[2]?.release()
    expect(await again).toBe(50)
  })

  it('leaves three quarters of the queue to others, whatever one has waiting', async () => {
    const { group, gates } = gated({ inFlightMax: 1, queueMax: 8 })
    const first = group.add({ n: 1, owner: 'a', key: 'a' })
    await tick()
    // Of one key, so that each of them waits for the one before.
    const own = [2, 3].map((n) => group.add({ n, owner: 'a', key: 'a' }))
    await expect(group.add({ n: 4, owner: 'a' })).rejects.toBeInstanceOf(Unavailable)
    const other = group.add({ n: 5, owner: 'b' })
    gates[0]?.release()
    expect(await first).toBe(10)
    expect(gates[1]?.items.map(({ n }) => n)).toEqual([2, 5])
    const again = group.add({ n: 6, owner: 'a' })
    gates[1]?.release()
    expect(await other).toBe(50)
    gates[2]?.release()
    expect(await Promise.all([...own, again])).toEqual([20, 30, 60])
  })

  it('keeps to its batch size and to its batches in the air', async () => {
    const { group, gates } = gated({ batchRowsMax: 2, inFlightMax: 2 })
    const answers = Array.from({ length: 7 }, (_, n) => group.add({ n }))
    await tick()
    expect(gates.map(({ items }) => items.length)).toEqual([2, 2])
    for (let i = 0; i < 4; i += 1) {
      gates[i]?.release()
      await tick()
    }
    expect(await Promise.all(answers)).toEqual([0, 10, 20, 30, 40, 50, 60])
  })

  it('fails the callers of a failed batch only, and is idle when all are answered', async () => {
    const { group, gates } = gated({ inFlightMax: 1 })
    const bad = group.add({ n: 1 })
    await tick()
    const good = group.add({ n: 2 })
    gates[0]?.fail(new Error('disk full'))
    await expect(bad).rejects.toThrow('disk full')
    let idle = false
    const whenIdle = group.idle().then(() => {
      idle = true
    })
    await tick()
    expect(idle).toBe(false)
    gates[1]?.release()
    expect(await good).toBe(20)
    await whenIdle
    expect(group.depth()).toBe(0)
  })
})
