import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../stage/load.ts'
import { type System, startSystem } from '../stage/system.ts'
import { expectExactBooks, expectGapless } from './books.ts'

const entry = (fields: Record<string, unknown> = {}): string =>
  JSON.stringify({ valor: 150.5, tipo: 'CREDITO', descricao: 'Venda produto X', data: '2025-10-15', ...fields })

describe('two instances and one key', () => {
  let system: System
  const client = createClient()
  beforeAll(async () => {
    system = await startSystem({ lancamentos: 2, consolidado: 1 })
  })
  afterAll(async () => {
    client.close()
    await system?.stop()
  })

  const post = async (instance: number, headers: Record<string, string>, body: string) =>
    client.send(`${system.instances.lancamentos[instance]?.url}/lancamentos`, {
      method: 'POST',
      headers: { ...(await system.as('loja-1')), 'Content-Type': 'application/json', ...headers },
      body,
    })

  it('make one entry of 50 concurrent POSTs and answer 50 equal 201s; other content is refused', async () => {
    const headers = { 'Idempotency-Key': '"pedido-1"' }
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => post(i % 2, headers, entry())))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    const other = await post(0, headers, entry({ valor: 1 }))
    expect([other.status, JSON.parse(other.body).codigo]).toEqual([422, 'chave-reutilizada'])
    expect(await expectGapless(system.sql.lancamentos)).toBe(1)
    await system.caughtUp()
    await expectExactBooks(system.sql)
  })

  it('accept one of two different entries that race on a key', async () => {
    for (let round = 0; round < 10; round += 1) {
      const headers = { 'Idempotency-Key': `corrida-${round}` }
      const answers = await Promise.all([0, 1].map((i) => post(i, headers, entry({ valor: i + 1 }))))
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 422])
    }
  })
})

describe.each([1, 4])('a ledger of %i partition(s) under load from two processes', (particoes) => {
  let system: System
  const client = createClient()
  beforeAll(async () => {
    system = await startSystem({ particoes, lancamentos: 2, consolidado: 2 })
  })
  afterAll(async () => {
    client.close()
    await system?.stop()
  })

  it('has no gap and no loss, also where batches fail, and its balances are exact', async () => {
    const total = Number(process.env['FLUXO_E2E_ENTRIES'] ?? 10_000)
    const workers = 48
    const merchants = await Promise.all(Array.from({ length: 40 }, (_, i) => system.as(`loja-${i}`)))
    const acknowledged: string[] = []
    let next = 0
    let refused = 0
    const work = async (worker: number): Promise<void> => {
      while (next < total) {
        const n = next++
        const headers = { ...merchants[n % merchants.length], 'Content-Type': 'application/json' }
        const body = entry({ valor: `${1 + (n % 900)}.${10 + (n % 90)}`, data: `2025-10-${10 + (n % 20)}` })
        const url = `${system.instances.lancamentos[worker % 2]?.url}/lancamentos`
        const answer = await client.send(url, { method: 'POST', headers, body })
        if (answer.status === 201) acknowledged.push(JSON.parse(answer.body).id)
        else {
          expect(answer.status).toBe(503)
          refused += 1
        }
        // Every 2,000 requests the database ends the sessions that are writing: their batches fail, some after commit.
        if (n % 2_000 === 1_999) {
          await system.sql.lancamentos`
            select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'lancamentos' and datname = current_database()`
        }
      }
    }
    await Promise.all(Array.from({ length: workers }, (_, i) => work(i)))

    await system.caughtUp()
    const stored = await expectExactBooks(system.sql)
    const ids = new Set(
      (await system.sql.lancamentos<{ id: string }[]>`select id from lancamentos`).map(({ id }) => id),
    )
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
    expect(stored).toBeGreaterThanOrEqual(acknowledged.length)
    expect(stored).toBeLessThanOrEqual(acknowledged.length + refused)
    process.stdout.write(
      `${particoes} partition(s): ${acknowledged.length} acknowledged, ${refused} answered 503, ${stored} stored, no gap\n`,
    )
  })
})
