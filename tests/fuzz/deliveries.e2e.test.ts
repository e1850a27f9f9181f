import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Listening, listen } from '../stage/listen.ts'
import { type System, startSystem } from '../stage/system.ts'
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

let system: System
let receiver: Listening
beforeAll(async () => {
  receiver = await listen((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end())
  })
  system = await startSystem({
    entregas: 1,
    avisos: 1,
    env: {
      NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=12 --v8-pool-size=1',
      ENTREGAS_FLUXO: 'manual',
      AVISOS_LOOPBACK: 'true',
    },
  })
})
afterAll(async () => {
  await system.stop()
  await receiver.stop()
})

const orders = async (): Promise<number> =>
  (await system.sql.entregas<{ n: number }[]>`select count(*)::int as n from pedido`)[0]?.n ?? 0

test(
  'whatever a client sends to deliveries, the answer is as documented: no 5xx, no hang, no growth, no order too many or too few',
  async () => {
    const url = system.url('entregas')
    const at = `${receiver.url}/avisos`
    const around = await prepareDeliveries(
      { urlOf: system.url, receiver: at },
      {
        merchant: (await system.as('loja-do-caos')).Authorization,
        other: (await system.as('outra-loja')).Authorization,
        service: await system.asService(),
      },
    )
    const seeded = await orders()
    let warm = 0
    const result = await runCases({
      seed: SEED,
      from: FROM,
      to: TO,
      around,
      urlOf: system.url,
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
