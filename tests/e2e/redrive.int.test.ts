import { createLetterStore } from '@fluxo/shared/follow/letter-store'
import { prepareParticoes } from '@fluxo/shared/inbox/watermark'
import { encodeEvento } from '@fluxo/shared/log/event'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { afterEach, expect, test, vi } from 'vitest'
import { KEEPERS } from '../../scripts/letters.ts'
import { createServiceDatabase, type TestDatabase } from '../stage/databases.ts'

/** What is too old is not told. */
const NOW = new Date().toISOString()
const EPOCA = '0a0b0c0d-0000-4000-8000-000000000001'
const uuid = (n: number): string => `01a1fbc4-0000-7000-8000-${String(n).padStart(12, '0')}`

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closers.splice(0).reverse()) await close()
})

/** A database with two letters at positions 1 and 2 of `table`, as a version before redriving wrote them: they were passed over. */
const withLetters = async (service: 'lancamentos' | 'entregas' | 'avisos', groupName: string, type: string) => {
  const database: TestDatabase = await createServiceDatabase(service)
  closers.push(database.drop)
  const [owner, sql] = [database.ownerUrl, database.appUrl].map((url) => createSql({ url, max: 2, name: 'teste' }))
  if (owner === undefined || sql === undefined) throw new Error('two pools were made')
  closers.push(
    () => closeSql(owner),
    () => closeSql(sql),
  )
  vi.stubEnv(`DATABASE_URL_${service.toUpperCase()}`, database.appUrl)
  vi.stubEnv('FLUXO_DATA', '/nonexistent')
  const keeper = KEEPERS[service].find(({ group }) => group === groupName)
  if (keeper === undefined) throw new Error(`nobody is called ${groupName}`)
  const { table } = keeper
  await prepareParticoes(sql, 1, table)
  await owner.unsafe(`update ${table.name} set aplicada_ate = 2, epoca = $1::uuid, ultima_posicao = 2`, [EPOCA])
  for (const posicao of [1, 2]) {
    const data = {
      order_id: uuid(posicao),
      comerciante_id: 'loja-1',
      seq: 1,
      status: 'RECEIVED',
      previous_status: null,
      actor: 'fluxo',
      source: 'fluxo',
      occurred_at: NOW,
      valor: '80.00',
      delivery: 1,
      delivered_at: NOW,
    }
    const fact = {
      id: uuid(100 + posicao),
      source: '/entregas',
      type,
      subject: uuid(posicao),
      time: data.occurred_at,
      data,
    }
    const evento = encodeEvento(fact, { particao: 0, posicao, epoca: EPOCA })
    await sql.unsafe(
      `insert into ${table.letters} (particao, posicao, evento, motivo) values (0, $1, $2, 'then unknown')`,
      [posicao, evento],
    )
  }
  const redrive = (limit: number) => keeper.redrive(sql, limit)
  return { owner, sql, redrive, waiting: async () => (await createLetterStore(sql, table).list({ limit: 9 })).length }
}
const count = async (sql: Sql, table: string): Promise<number> =>
  (await sql.unsafe<{ n: number }[]>(`select count(*)::int as n from ${table}`))[0]?.n ?? 0
const none = { applied: 0, failed: [] }
const seedOrders = (owner: Sql) =>
  owner.unsafe(`insert into pedido (id, comerciante_id, customer_name, address, status, version, ocorrido_em, created_at, updated_at)
    select id::uuid, 'loja-1', 'Ana', 'Rua A', 0, 1, now(), now(), now() from unnest('{${uuid(1)},${uuid(2)}}'::text[]) id`)

test('the money of an order: an entry each, no more than asked for, and none twice', async () => {
  const { sql, redrive, waiting } = await withLetters('lancamentos', 'lancamentos', 'pedido.entregue.v1')
  expect(await redrive(1)).toEqual({ applied: 1, failed: [] })
  expect([await count(sql, 'lancamentos'), await waiting()]).toEqual([1, 1])
  await Promise.all([redrive(9), redrive(9), redrive(9)])
  expect([await count(sql, 'lancamentos'), await waiting()]).toEqual([2, 0])
  expect(await redrive(9)).toEqual(none)
})

test('the automatic flow: a step each, once', async () => {
  const { owner, sql, redrive, waiting } = await withLetters('entregas', 'entregas', 'pedido.recebido.v1')
  await seedOrders(owner)
  await Promise.all([redrive(9), redrive(9)])
  expect([await count(sql, 'passo'), await waiting()]).toEqual([2, 0])
  await sql`delete from passo`
  expect(await redrive(9)).toEqual(none)
  expect(await count(sql, 'passo')).toBe(0)
})

test('the flow as it is set: by hand, a letter is read and plans nothing', async () => {
  const { owner, sql, redrive } = await withLetters('entregas', 'entregas', 'pedido.recebido.v1')
  await seedOrders(owner)
  vi.stubEnv('ENTREGAS_FLUXO', 'manual')
  expect(await redrive(9)).toEqual({ applied: 2, failed: [] })
  expect(await count(sql, 'passo')).toBe(0)
})

test('webhooks: a delivery each, once', async () => {
  const { owner, sql, redrive, waiting } = await withLetters('avisos', 'avisos', 'pedido.recebido.v1')
  await owner`insert into ouvinte (comerciante_id) values ('loja-1')`
  await owner`insert into webhook (id, comerciante_id, url, segredo) values (${uuid(50)}, 'loja-1', 'https://x', 's')`
  await Promise.all([redrive(9), redrive(9)])
  expect([await count(sql, 'aviso'), await waiting()]).toEqual([2, 0])
  expect(await redrive(9)).toEqual(none)
})

test('what fails again stays, with one attempt more and its new reason; an event of another log is not applied', async () => {
  const { owner, sql, redrive, waiting } = await withLetters('lancamentos', 'lancamentos', 'pedido.entregue.v1')
  await owner`update carta_morta set evento = replace(evento, ${EPOCA}, '0a0b0c0d-0000-4000-8000-00000000ffff') where posicao = 2`
  await owner`update carta_morta set evento = replace(evento, '80.00', 'um') where posicao = 1`
  expect(await redrive(9)).toMatchObject({
    applied: 0,
    failed: [
      { posicao: 1, reason: 'data.valor: not a positive amount' },
      { posicao: 2, reason: 'an event of a log that is no more' },
    ],
  })
  expect((await sql`select tentativas from carta_morta`).map(({ tentativas: attempts }) => attempts)).toEqual([2, 2])
  expect([await count(sql, 'lancamentos'), await waiting()]).toEqual([0, 2])
})
