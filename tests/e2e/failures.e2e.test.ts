import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { atRate, createClient } from '../stage/load.ts'
import { type System, startSystem } from '../stage/system.ts'
import { expectExactBooks } from './books.ts'

const PER_SECOND = Number(process.env['FLUXO_E2E_RATE'] ?? 300)
const SECONDS = 6

describe('under a constant load of writes', () => {
  let system: System
  let client: ReturnType<typeof createClient>
  let merchants: { Authorization: string }[]

  beforeEach(async () => {
    system = await startSystem({ lancamentos: 1, consolidado: 2 })
    client = createClient()
    merchants = await Promise.all(Array.from({ length: 20 }, (_, i) => system.as(`loja-${i}`)))
  })
  afterEach(async () => {
    client.close()
    await system.stop()
  })

  const post = (n: number) =>
    client.send(`${system.url('lancamentos')}/lancamentos`, {
      method: 'POST',
      headers: {
        Authorization: merchants[n % merchants.length]?.Authorization ?? '',
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({
        valor: `${1 + (n % 700)}.${10 + (n % 90)}`,
        tipo: n % 3 === 0 ? 'DEBITO' : 'CREDITO',
        descricao: `Venda ${n}`,
        data: `2025-11-${10 + (n % 15)}`,
      }),
    })
  const load = async (): Promise<number> => {
    const answers = await atRate(PER_SECOND, SECONDS, post)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    return answers.length
  }
  const midway = (act: () => Promise<unknown>) =>
    new Promise((resolve, reject) => {
      setTimeout(() => act().then(resolve, reject), (SECONDS * 1_000) / 2)
    })
  const report = (what: string, sent: number, since: number): void => {
    process.stdout.write(
      `${what}: ${sent} entries, exact ${((performance.now() - since) / 1_000).toFixed(1)} s after the load\n`,
    )
  }

  it('a flushed Redis costs nothing: totals are exact within 10 s of the end', async () => {
    const redis = createRedisConnections({
      url: system.redis.url,
      name: 'e2e',
      log: createLogger({ service: 'e2e', level: 'fatal' }),
    })
    await redis.ready(5_000)
    const [sent] = await Promise.all([load(), midway(() => redis.commands.flushall())])
    const ended = performance.now()
    await redis.close()
    await system.caughtUp(10_000)
    expect(await expectExactBooks(system.sql)).toBe(sent)
    report('FLUSHALL', sent, ended)
  })

  it('a Redis that is away all the time refuses nobody, and the balances advance by pulling', async () => {
    await system.redis.stop()
    const half = midway(async () => {
      const [head] = await system.sql.lancamentos<{ ultima: number }[]>`select ultima::int as ultima from posicao`
      const [mark] = await system.sql.consolidado<
        { ate: number }[]
      >`select aplicada_ate::int as ate from inbox_particao`
      return { ultima: head?.ultima ?? 0, ate: mark?.ate ?? 0 }
    })
    const [sent, seen] = await Promise.all([load(), half])
    const ended = performance.now()
    await system.caughtUp(10_000)
    expect(await expectExactBooks(system.sql)).toBe(sent)
    expect(seen).toMatchObject({ ate: expect.any(Number) })
    report(`Redis away (halfway ${JSON.stringify(seen)})`, sent, ended)
  })

  it('a consolidado that is killed is succeeded: nothing lost, nothing twice', async () => {
    const [sent] = await Promise.all([load(), midway(async () => system.instances.consolidado[0]?.end('SIGKILL'))])
    const ended = performance.now()
    await system.caughtUp()
    expect(await expectExactBooks(system.sql)).toBe(sent)
    report('SIGKILL of a consolidado', sent, ended)
  })

  it('every instance that leaves at SIGTERM answers what it was asked', async () => {
    const added = await system.add('consolidado')
    const headers = { Authorization: merchants[0]?.Authorization ?? '' }
    const read = () => client.send(`${added.url}/consolidado/2025-11-12`, { headers })
    const reads = Promise.all(Array.from({ length: 20 }, read))
    expect((await reads).map(({ status }) => status)).toEqual(Array(20).fill(200))
    const [sent] = await Promise.all([load(), midway(() => added.end('SIGTERM'))])
    await system.caughtUp()
    expect(await expectExactBooks(system.sql)).toBe(sent)
    const pending = await system.sql.consolidado<{ n: number }[]>`select count(*)::int as n from carta_morta`
    expect(pending[0]?.n).toBe(0)
  })
})
