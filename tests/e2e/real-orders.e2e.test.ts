import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bancada, createBancada } from '../../apps/entregas/test/bancada.ts'

/** Real orders, where they lie beside the checkout; their licence keeps them out of the repository. */
const REAL = fileURLToPath(new URL('../../../shared/data/olist/pedidos.csv', import.meta.url))
const PATH = process.env['FLUXO_PEDIDOS'] ?? REAL
if (!existsSync(PATH))
  console.warn(`SKIPPED: no ${PATH}, so no real orders were replayed. FLUXO_PEDIDOS names another file.`)

type Linha = {
  referencia: string
  status: string
  compra: string
  aprovado: string
  transporte: string
  entregue: string
  cidade: string
}

/** The file's times are local ones of Brazil, without an offset; its days of summer time do not matter for the order. */
const momento = (texto: string): string => `${texto.replace(' ', 'T')}-03:00`

const ler = (csv: string): Linha[] =>
  csv
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((linha) => {
      const [referencia = '', status = '', compra = '', aprovado = '', transporte = '', entregue = '', , cidade = ''] =
        linha.split(',')
      return { referencia, status, compra, aprovado, transporte, entregue, cidade }
    })

/** A step of a replay; one without a time is made by the hand of whoever replays it. */
type Passo = { status: string; em?: string }

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
const finalDe = ({ status, transporte }: Linha): string => FINAL[status]?.[transporte === '' ? 0 : 1] ?? ''

/** The steps of an order, with its own times; what the file leaves out happened no later than the next that it tells. */
function passosDe(linha: Linha): Passo[] {
  const { compra, aprovado, transporte, entregue } = linha
  const final = finalDe(linha)
  const passos: Passo[] = []
  const passo = (status: string, ...candidatos: string[]) =>
    passos.push({ status, em: momento(candidatos.find((texto) => texto !== '') ?? compra) })
  if (aprovado !== '' || final === 'SEPARATED') passo('SEPARATED', aprovado)
  if (transporte !== '' || final === 'DELIVERED') passo('IN_TRANSIT', transporte, entregue, aprovado)
  if (entregue !== '' || final === 'DELIVERED') passo('DELIVERED', entregue, transporte, aprovado)
  // When it was cancelled the file does not say.
  if (final === 'CANCELLED') passos.push({ status: 'CANCELLED' })
  if (final === 'RETURNED') passos.push({ status: 'RETURNING' }, { status: 'RETURNED' })
  return passos
}

const CONCORRENTES = 32

describe.skipIf(!existsSync(PATH))(`the real orders (skipped where there is no ${PATH})`, () => {
  let bancada: Bancada
  beforeAll(async () => {
    bancada = await createBancada()
    bancada.relogio.agora = new Date('2026-01-01T00:00:00Z')
  })
  afterAll(() => bancada.fechar())

  it('are imported and replayed with their own times: statuses as in the file, each history whole and in order', async () => {
    const linhas = ler(await readFile(PATH, 'utf8'))
    const pedir = await bancada.como('olist')
    const csv = [
      'customer_name,address,referencia,occurred_at',
      ...linhas.map(({ referencia, cidade, compra }) => `Cliente,${cidade},${referencia},${momento(compra)}`),
    ].join('\n')
    const importar = async () =>
      (
        await pedir('/orders/importacoes', { method: 'POST', headers: { 'content-type': 'text/csv' }, body: csv })
      ).json()
    expect(await importar()).toMatchObject({ linhas: linhas.length, criados: linhas.length, recusados: 0 })
    expect(await importar()).toMatchObject({ criados: 0, repetidos: linhas.length, recusados: 0 })

    const ids = new Map(
      (await bancada.sql<{ id: string; referencia: string }[]>`select id, referencia from pedido`).map(
        ({ id, referencia }) => [referencia, id],
      ),
    )
    const inicio = performance.now()
    let transicoes = 0
    const replay = async (linha: Linha): Promise<void> => {
      const id = ids.get(linha.referencia)
      for (const { status, em } of passosDe(linha)) {
        const cancela = status === 'CANCELLED' || status === 'RETURNING'
        const [caminho, corpo] = cancela ? ['cancel', {}] : ['transitions', { status, occurred_at: em }]
        const resposta = await pedir(`/orders/${id}/${caminho}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(corpo),
        })
        transicoes += 1
        if (resposta.status !== 200) throw new Error(`${linha.referencia} ${status}: ${await resposta.text()}`)
      }
    }
    const fila = linhas[Symbol.iterator]()
    await Promise.all(
      Array.from({ length: CONCORRENTES }, async () => {
        for (const linha of fila) await replay(linha)
      }),
    )
    const segundos = (performance.now() - inicio) / 1_000
    process.stdout.write(`${linhas.length} real orders, ${transicoes} transitions in ${segundos.toFixed(1)} s\n`)

    const nomes = ['RECEIVED', 'SEPARATED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP']
    const codigos = [...nomes, 'DELIVERED', 'RETURNING', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED']
    const finais = await bancada.sql<{ referencia: string; status: number }[]>`
      select referencia, status::int from pedido`
    const finalPor = new Map(finais.map(({ referencia, status }) => [referencia, codigos[status]]))
    const contar = (de: (linha: Linha) => string | undefined) => {
      const quantos = new Map<string, number>()
      for (const linha of linhas) {
        const par = `${linha.status} → ${de(linha)}`
        quantos.set(par, (quantos.get(par) ?? 0) + 1)
      }
      return Object.fromEntries(quantos)
    }
    expect(finais).toHaveLength(linhas.length)
    expect(contar(({ referencia }) => finalPor.get(referencia))).toEqual(contar(finalDe))
    process.stdout.write(`${JSON.stringify(contar(finalDe), null, 1)}\n`)

    // Each history: no gap, each event on top of the one before, the statuses and times of the file.
    const eventos = await bancada.sql<{ referencia: string; historia: [number, number, number | null, string][] }[]>`
      select p.referencia, json_agg(json_build_array(e.seq, e.status, e.anterior,
        to_char(e.occurred_at at time zone 'Etc/GMT+3', 'YYYY-MM-DD HH24:MI:SS')) order by e.seq) as historia
      from pedido p join evento e on e.pedido_id = p.id group by 1`
    const historias = new Map(eventos.map(({ referencia, historia }) => [referencia, historia]))
    for (const linha of linhas) {
      const passos = [{ status: 'RECEIVED', em: momento(linha.compra) }, ...passosDe(linha)]
      const historia = historias.get(linha.referencia) ?? []
      expect(historia.map(([seq]) => seq)).toEqual(passos.map((_, i) => i + 1))
      historia.forEach(([, status, anterior, em], i) => {
        const passo = passos[i]
        expect(anterior).toBe(i === 0 ? null : historia[i - 1]?.[1])
        expect(codigos[status]).toBe(passo?.status)
        if (passo?.em !== undefined) expect(momento(em)).toBe(passo.em)
      })
    }
  })
})
