import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Entregas, startEntregas } from '../stage/entregas.ts'
import { prepareDeliveries } from './deliveries.ts'
import { residentMb } from './memory.ts'
import { runCases, tableOf } from './run.ts'

/** `npm run fuzz` sets these. */
const { FLUXO_FUZZ_REQUESTS = '6000', FLUXO_FUZZ_SEED = '1', FLUXO_FUZZ_AT } = process.env
const SEED = Number(FLUXO_FUZZ_SEED)
const [FROM, TO] =
  FLUXO_FUZZ_AT === undefined ? [0, Number(FLUXO_FUZZ_REQUESTS)] : [Number(FLUXO_FUZZ_AT), Number(FLUXO_FUZZ_AT) + 1]
const TIMEOUT_MS = 3_600_000
/** As for the other services (fuzz.e2e.test.ts). */
const GROWTH_MB_MAX = 48

let entregas: Entregas
let receiver: Server
let sql: Sql
beforeAll(async () => {
  receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end())
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  entregas = await startEntregas(1, {
    NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=12 --v8-pool-size=1',
    ENTREGAS_FLUXO: 'manual',
    ENTREGAS_WEBHOOKS_LOOPBACK: 'true',
    LIMITE_ESCRITA_POR_SEGUNDO: '100000',
    LIMITE_LEITURA_POR_SEGUNDO: '100000',
  })
  sql = createSql({ url: entregas.ownerUrl, max: 1, name: 'e2e' })
})
afterAll(async () => {
  await closeSql(sql)
  await entregas.stop()
  receiver.closeAllConnections()
  await new Promise((resolve) => receiver.close(resolve))
})

const orders = async (): Promise<number> =>
  (await sql<{ n: number }[]>`select count(*)::int as n from pedido`)[0]?.n ?? 0

test(
  'whatever a client sends to deliveries, the answer is as documented: no 5xx, no hang, no growth, no order too many or too few',
  async () => {
    const url = entregas.instances[0]?.url ?? ''
    const at = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/avisos`
    const around = await prepareDeliveries(
      { url, receiver: at },
      {
        merchant: (await entregas.as('loja-do-caos')).authorization,
        other: (await entregas.as('outra-loja')).authorization,
        service: await entregas.asService(),
      },
    )
    const seeded = await orders()
    let warm = 0
    const result = await runCases({
      seed: SEED,
      from: FROM,
      to: TO,
      around,
      urlOf: () => url,
      onWarm: async () => {
        warm = await residentMb(url)
      },
    })
    console.log(
      `${TO - FROM} cases of seed ${SEED} for deliveries, slowest ${Math.round(result.slowestMs)} ms\n${tableOf(result.counts)}`,
    )
    const again = (number: number): string => `npm run fuzz -- --seed ${SEED} --at ${number}`
    expect(result.failures.map((failure) => ({ ...failure, again: again(failure.number) }))).toEqual([])
    const after = await residentMb(url)
    console.log(`resident memory, MB: ${warm.toFixed(0)} -> ${after.toFixed(0)}`)
    expect(after - warm).toBeLessThan(GROWTH_MB_MAX)
    expect((await orders()) - seeded).toBe(result.entries)
    expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  },
  TIMEOUT_MS,
)
