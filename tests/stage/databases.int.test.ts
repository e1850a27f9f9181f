import postgres from 'postgres'
import { expect, test } from 'vitest'
import { createDatabase, startOwnRedis } from './databases.ts'

test('every call gives a fresh database, and the role of a service owns nothing in it', async () => {
  const [a, b] = await Promise.all([createDatabase({ role: 'lancamentos' }), createDatabase({ role: 'lancamentos' })])
  expect(a.ownerUrl).not.toBe(b.ownerUrl)
  const owner = postgres(a.ownerUrl, { max: 1 })
  await owner.unsafe('create table prova (id int); grant select on prova to lancamentos').simple()
  await owner.end()
  const app = postgres(a.appUrl, { max: 1 })
  expect(await app`select id from prova`).toHaveLength(0)
  await expect(app`insert into prova values (1)`).rejects.toMatchObject({ code: '42501' })
  expect(await app`show synchronous_commit`).toMatchObject([{ synchronous_commit: 'on' }])
  await app.end()
  await Promise.all([a.drop(), b.drop()])
})

test('a Redis of the own answers with its password and is gone after remove', async () => {
  const redis = await startOwnRedis({ password: 'segredo' })
  expect(redis.url).toBe(`redis://:segredo@127.0.0.1:${redis.port}`)
  await redis.remove()
  expect(() => process.kill(redis.pid, 0)).toThrow('ESRCH')
})
