import { afterAll, beforeAll, expect, test } from 'vitest'
import { COSTLY_BATCHES } from '../stage/attacks/bodies.ts'
import { type System, startSystem } from '../stage/system.ts'
import { bytesOf } from './cases.ts'
import { residentMb } from './memory.ts'
import { startNeighbour } from './neighbour.ts'
import { ANSWER_MS_MAX } from './oracle.ts'
import { runCases, tableOf } from './run.ts'
import { prepare } from './surroundings.ts'
import { exchange } from './wire.ts'

/** `npm run fuzz` sets these. */
const { FLUXO_FUZZ_REQUESTS = '20000', FLUXO_FUZZ_SEED = '1', FLUXO_FUZZ_AT } = process.env
const SEED = Number(FLUXO_FUZZ_SEED)
const [FROM, TO] =
  FLUXO_FUZZ_AT === undefined ? [0, Number(FLUXO_FUZZ_REQUESTS)] : [Number(FLUXO_FUZZ_AT), Number(FLUXO_FUZZ_AT) + 1]
const TIMEOUT_MS = 3_600_000
/** Resident memory may grow by this after the warm-up: a leak of three kilobytes a request would be 54 MB. */
const GROWTH_MB_MAX = 48
/** So often each body of megabytes is sent before the cases: the heap grows for them, and keeps some of that. */
const HEAVY_ROUNDS = 3
/** A neighbour of the hostile merchant notices no refusal, and this at most; 24 hostile requests at once and all servers share its cores. */
const NEIGHBOUR_P99_MS_MAX = 3_000

let system: System
beforeAll(async () => {
  // As in docker-compose.yml: a bounded young generation is what makes growth tell of a leak.
  system = await startSystem({
    lancamentos: 1,
    consolidado: 1,
    env: { NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=12 --v8-pool-size=1' },
  })
})
afterAll(() => system.stop())

/** Sends every body of megabytes, two at a time as one merchant may. */
const sendHeavy = async (url: string, authorization: string): Promise<void> => {
  const bodies = Array.from({ length: HEAVY_ROUNDS }, () => Object.values(COSTLY_BATCHES)).flat()
  const headers: [string, string][] = [
    ['Authorization', authorization],
    ['Content-Type', 'application/json'],
  ]
  const sender = async () => {
    for (let body = bodies.pop(); body; body = bodies.pop()) {
      const request = { method: 'POST', target: '/lancamentos/lote', headers, body: Buffer.from(body()) }
      await exchange(url, [bytesOf(request)], { timeoutMs: ANSWER_MS_MAX })
    }
  }
  await Promise.all([sender(), sender()])
}

test(
  'whatever a client sends, the answer is as documented: no 5xx, no hang, no growth, no entry too many or too few',
  async () => {
    const urls = { lancamentos: system.url('lancamentos'), consolidado: system.url('consolidado') }
    const door = (url: string) => ({ url, document: `${url}/openapi.json` })
    const doors = { lancamentos: door(urls.lancamentos), consolidado: door(urls.consolidado) }
    const around = await prepare(doors, {
      merchant: (await system.as('loja-do-caos')).Authorization,
      other: (await system.as('outra-loja')).Authorization,
      service: await system.asService(),
    })
    const [{ seeded = 0 } = {}] = await system.sql.lancamentos<
      { seeded: number }[]
    >`select count(*)::int as seeded from lancamentos`
    const memory = () => Promise.all([residentMb(urls.lancamentos), residentMb(urls.consolidado)])
    const stopNeighbour = startNeighbour(urls, (await system.as('vizinha')).Authorization)
    await sendHeavy(urls.lancamentos, around.tokens.merchant)
    let warm: number[] = []
    const result = await runCases({
      seed: SEED,
      from: FROM,
      to: TO,
      around,
      urlOf: (service) => (service === 'consolidado' ? urls.consolidado : urls.lancamentos),
      onWarm: async () => {
        warm = await memory()
      },
    })
    const neighbour = await stopNeighbour()
    console.log(
      `${TO - FROM} cases of seed ${SEED}, slowest ${Math.round(result.slowestMs)} ms\n${tableOf(result.counts)}`,
    )
    console.log(`a neighbour: ${neighbour.calls} calls, 99 of 100 within ${Math.round(neighbour.p99Ms)} ms`)
    expect(neighbour.refused).toEqual([])
    expect(neighbour.p99Ms).toBeLessThan(NEIGHBOUR_P99_MS_MAX)
    const shown = result.failures.map((failure) => ({
      ...failure,
      again: `npm run fuzz -- --seed ${SEED} --at ${failure.number}`,
    }))
    expect(shown).toEqual([])
    const after = await memory()
    console.log(`resident memory, MB: ${after.map((mb, i) => `${warm[i]?.toFixed(0)} -> ${mb.toFixed(0)}`).join(', ')}`)
    for (const [i, mb] of after.entries()) expect(mb - (warm[i] ?? 0)).toBeLessThan(GROWTH_MB_MAX)
    const [{ entries = 0 } = {}] = await system.sql.lancamentos<
      { entries: number }[]
    >`select count(*)::int as entries from lancamentos`
    expect(entries - seeded).toBe(result.entries + neighbour.entries)
    for (const url of Object.values(urls)) expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    await system.caughtUp()
  },
  TIMEOUT_MS,
)
