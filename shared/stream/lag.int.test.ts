import { redisUrl } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { groupLag } from './lag.ts'
import { GROUP, type StreamFixture, streamFixture } from './stream-fixture.ts'

let stream: StreamFixture
beforeEach(async () => {
  stream = await streamFixture(redisUrl())
})
afterEach(() => stream.close())

const lag = (head?: number) => groupLag(stream.redis.commands, stream.prefix, 0, GROUP, head)
const NOTHING = { pending: 0, oldestPendingMs: 0, consumers: 0, length: 0 }

test('without a stream or a group the lag is unknown, not zero', async () => {
  expect(await lag(9)).toEqual({ ...NOTHING, lag: undefined })
  await stream.publish(1, 3)
  expect(await lag(9)).toEqual({ ...NOTHING, lag: undefined, length: 3 })
})

test('undelivered entries are lag, delivered ones pending with the age of the oldest', async () => {
  const { commands } = stream.redis
  await stream.publish(1, 10)
  await commands.xgroup('CREATE', stream.key, GROUP, '0')
  expect(await lag()).toEqual({ ...NOTHING, lag: 10, length: 10 })
  await commands.xreadgroup('GROUP', GROUP, 'a', 'COUNT', 4, 'STREAMS', stream.key, '>')
  await waitFor(async () => (await lag()).oldestPendingMs > 0)
  expect(await lag()).toMatchObject({ lag: 6, pending: 4, consumers: 1 })
})

test('where Redis does not know the lag, the distance between positions says it', async () => {
  const { commands } = stream.redis
  await stream.publish(1, 10)
  await commands.xdel(stream.key, '9-0')
  await commands.xgroup('CREATE', stream.key, GROUP, '4-0')
  const groups = (await commands.xinfo('GROUPS', stream.key)) as unknown[][]
  expect(groups[0]?.at(-1)).toBeNull()
  expect((await lag()).lag).toBe(6)
  expect((await lag(30)).lag).toBe(26)
})
