import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type EntregasTestApp } from '../../apps/entregas/test/cluster.ts'

/** Real orders, where they lie beside the checkout; their licence keeps them out of the repository. */
const REAL = fileURLToPath(new URL('../../../shared/data/olist/pedidos.csv', import.meta.url))
const PATH = process.env['FLUXO_PEDIDOS'] ?? REAL
if (!existsSync(PATH))
  console.warn(`SKIPPED: no ${PATH}, so no real orders were replayed. FLUXO_PEDIDOS names another file.`)

type Line = {
  referencia: string
  status: string
  bought: string
  approved: string
  shipped: string
  delivered: string
  city: string
}

/** The file's times are local ones of Brazil, without an offset; its days of summer time do not matter for the order. */
const timeOf = (text: string): string => `${text.replace(' ', 'T')}-03:00`

const linesOf = (csv: string): Line[] =>
  csv
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => {
      const [referencia = '', status = '', bought = '', approved = '', shipped = '', delivered = '', , city = ''] =
        line.split(',')
      return { referencia, status, bought, approved, shipped, delivered, city }
    })

/** A step of a replay; one without a time is made by the hand of whoever replays it. */
type ReplayStep = { status: string; at?: string }

/**
 * What the marketplace's statuses are here: `[not sent yet, sent]`. It knows payment, which is no step of a delivery, and no
 * attempts; an order that is cancelled after it was sent has to come back. The table stands in docs/entregas.md, too.
 */
const FINAL: Readonly<Record<string, readonly [string, string]>> = {
  delivered: ['DELIVERED', 'DELIVERED'],
  shipped: ['IN_TRANSIT', 'IN_TRANSIT'],
  canceled: ['CANCELLED', 'RETURNED'],
  unavailable: ['CANCELLED', 'RETURNED'],
  invoiced: ['SEPARATED', 'IN_TRANSIT'],
  processing: ['SEPARATED', 'IN_TRANSIT'],
  approved: ['SEPARATED', 'IN_TRANSIT'],
  created: ['RECEIVED', 'IN_TRANSIT'],
}
const finalOf = ({ status, shipped }: Line): string => FINAL[status]?.[shipped === '' ? 0 : 1] ?? ''

/** The steps of an order, with its own times; what the file leaves out happened no later than the next that it tells. */
function stepsOf(line: Line): ReplayStep[] {
  const { bought, approved, shipped, delivered } = line
  const final = finalOf(line)
  const steps: ReplayStep[] = []
  const step = (status: string, ...candidates: string[]) =>
    steps.push({ status, at: timeOf(candidates.find((text) => text !== '') ?? bought) })
  if (approved !== '' || final === 'SEPARATED') step('SEPARATED', approved)
  if (shipped !== '' || final === 'DELIVERED') step('IN_TRANSIT', shipped, delivered, approved)
  if (delivered !== '' || final === 'DELIVERED') step('DELIVERED', delivered, shipped, approved)
  // When it was cancelled the file does not say.
  if (final === 'CANCELLED') steps.push({ status: 'CANCELLED' })
  if (final === 'RETURNED') steps.push({ status: 'RETURNING' }, { status: 'RETURNED' })
  return steps
}

const CONCURRENT = 32

describe.skipIf(!existsSync(PATH))(`the real orders (skipped where there is no ${PATH})`, () => {
  let app: EntregasTestApp
  beforeAll(async () => {
    app = await createTestApp()
    app.clock.now = new Date('2026-01-01T00:00:00Z')
  })
  afterAll(() => app.close())

  it('are imported and replayed with their own times: statuses as in the file, each history whole and in order', async () => {
    const lines = linesOf(await readFile(PATH, 'utf8'))
    const ask = await app.askAs('olist')
    const csv = [
      'customer_name,address,referencia,occurred_at',
      ...lines.map(({ referencia, city, bought }) => `Cliente,${city},${referencia},${timeOf(bought)}`),
    ].join('\n')
    const importAll = async () =>
      (await ask('/orders/importacoes', { method: 'POST', headers: { 'content-type': 'text/csv' }, body: csv })).json()
    expect(await importAll()).toMatchObject({ linhas: lines.length, criados: lines.length, recusados: 0 })
    expect(await importAll()).toMatchObject({ criados: 0, repetidos: lines.length, recusados: 0 })

    const ids = new Map(
      (await app.sql<{ id: string; referencia: string }[]>`select id, referencia from pedido`).map(
        ({ id, referencia }) => [referencia, id],
      ),
    )
    const startedAt = performance.now()
    let transitions = 0
    const replay = async (line: Line): Promise<void> => {
      const id = ids.get(line.referencia)
      for (const { status, at } of stepsOf(line)) {
        const cancels = status === 'CANCELLED' || status === 'RETURNING'
        const [action, body] = cancels ? ['cancel', {}] : ['transitions', { status, occurred_at: at }]
        const answer = await ask(`/orders/${id}/${action}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        transitions += 1
        if (answer.status !== 200) throw new Error(`${line.referencia} ${status}: ${await answer.text()}`)
      }
    }
    const queue = lines[Symbol.iterator]()
    await Promise.all(
      Array.from({ length: CONCURRENT }, async () => {
        for (const line of queue) await replay(line)
      }),
    )
    const seconds = (performance.now() - startedAt) / 1_000
    process.stdout.write(`${lines.length} real orders, ${transitions} transitions in ${seconds.toFixed(1)} s\n`)

    const firstNames = [
      'RECEIVED',
      'SEPARATED',
      'IN_TRANSIT',
      'OUT_FOR_DELIVERY',
      'DELIVERY_FAILED',
      'AVAILABLE_FOR_PICKUP',
    ]
    const names = [...firstNames, 'DELIVERED', 'RETURNING', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED']
    const stored = await app.sql<{ referencia: string; status: number }[]>`
      select referencia, status::int from pedido`
    const storedBy = new Map(stored.map(({ referencia, status }) => [referencia, names[status]]))
    const tally = (finalStatus: (line: Line) => string | undefined) => {
      const counts = new Map<string, number>()
      for (const line of lines) {
        const pair = `${line.status} → ${finalStatus(line)}`
        counts.set(pair, (counts.get(pair) ?? 0) + 1)
      }
      return Object.fromEntries(counts)
    }
    expect(stored).toHaveLength(lines.length)
    expect(tally(({ referencia }) => storedBy.get(referencia))).toEqual(tally(finalOf))
    process.stdout.write(`${JSON.stringify(tally(finalOf), null, 1)}\n`)

    // Each history: no gap, each event on top of the one before, the statuses and times of the file.
    const eventos = await app.sql<{ referencia: string; historia: [number, number, number | null, string][] }[]>`
      select p.referencia, json_agg(json_build_array(e.seq, e.status, e.anterior,
        to_char(e.occurred_at at time zone 'Etc/GMT+3', 'YYYY-MM-DD HH24:MI:SS')) order by e.seq) as historia
      from pedido p join evento e on e.pedido_id = p.id group by 1`
    const histories = new Map(eventos.map(({ referencia, historia: history }) => [referencia, history]))
    for (const line of lines) {
      const steps = [{ status: 'RECEIVED', at: timeOf(line.bought) }, ...stepsOf(line)]
      const history = histories.get(line.referencia) ?? []
      expect(history.map(([seq]) => seq)).toEqual(steps.map((_, i) => i + 1))
      history.forEach(([, status, previous, at], i) => {
        const step = steps[i]
        expect(previous).toBe(i === 0 ? null : history[i - 1]?.[1])
        expect(names[status]).toBe(step?.status)
        if (step?.at !== undefined) expect(timeOf(at)).toBe(step.at)
      })
    }
  })
})
