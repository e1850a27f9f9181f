import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Follower } from './follower.ts'
import { createFollowerFixture, type FollowerFixture } from './follower-fixture.ts'
import type { Commit } from './group.ts'

let f: FollowerFixture
let follower: Follower | undefined
beforeEach(async () => {
  f = await createFollowerFixture()
})
afterEach(async () => {
  await follower?.stop()
  follower = undefined
  await f.close()
})

const pending = async () => (await f.redis.commands.xpending(`${f.streamPrefix}:{0}`, 'teste'))[0]

test('rows are acknowledged once what comes after them is done; a rejection gives them again, as repeated', async () => {
  const commits: Commit<object, number>[] = []
  const gate = Promise.withResolvers<void>()
  f.write({}, { numero: 13 }, {})
  await f.publish()
  follower = await f.follow({
    committed: async (commit) => {
      commits.push(commit)
      if (commits.length === 1) throw new Error('not now')
      if (commits.length === 2) await gate.promise
    },
  })
  await waitFor(() => commits.length === 2, { what: 'the rows to be given again' })
  expect(await pending()).toBe(3)
  gate.resolve()
  await f.acked()
  expect(commits.slice(0, 2)).toMatchObject([
    { particao: 0, origin: 'stream', applied: 2, repeated: 0, touched: [1, 1] },
    { particao: 0, origin: 'stream', applied: 0, repeated: 2 },
  ])
  expect(await f.seen()).toEqual([
    { posicao: 1, vezes: 1 },
    { posicao: 3, vezes: 1 },
  ])
  expect(await f.letters()).toMatchObject([{ posicao: 2, motivo: 'SQLSTATE 23514' }])
})

test('what only the log brings is told as pulled, and a batch of dead letters is told to nobody', async () => {
  const commits: Commit<object, number>[] = []
  f.write({ numero: 13 })
  follower = await f.follow({ committed: (commit) => void commits.push(commit) })
  await waitFor(async () => (await f.aplicadaAte()) === 1)
  expect(commits).toEqual([])
  f.write({})
  // It is told after the watermark has moved.
  await waitFor(async () => commits.length > 0)
  expect(await f.aplicadaAte()).toBe(2)
  expect(commits).toMatchObject([{ origin: 'feed', applied: 1, repeated: 0, rows: [{ posicao: 2 }] }])
})

test('lanes share a partition: each is a consumer of its own, and every event counts once', async () => {
  for (let n = 0; n < 50; n += 1) f.write({})
  follower = await f.follow({ lanes: 2, timings: { graceMs: 100, countMax: 3 } })
  await f.publish()
  await waitFor(async () => (await f.aplicadaAte()) === 50)
  const rows = (await f.redis.commands.xinfo('CONSUMERS', `${f.streamPrefix}:{0}`, 'teste')) as unknown[][]
  expect(new Set(rows.map((row) => row[1]))).toEqual(new Set(['a.0', 'a.1']))
  expect((await f.seen()).every(({ vezes: times }) => times === 1)).toBe(true)
})
