import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bancada, createBancada } from '../apps/entregas/test/bancada.ts'

/** Real orders, where they lie beside the checkout; their licence keeps them out of the repository. */
const REAL = fileURLToPath(new URL('../../shared/data/olist/pedidos.csv', import.meta.url))
const PATH = process.env['FLUXO_PEDIDOS'] ?? REAL

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

type Passo = { status: string; em: string }

/**
 * What the marketplace's statuses are here: it knows payment, which is no step of a delivery, and no attempts.
 * `created`, `approved`, `invoiced` and `processing` are not under way yet; `unavailable` was never sent either.
 */
const FINAL: Readonly<Record<string, string>> = {
  delivered: 'DELIVERED',
  shipped: 'IN_TRANSIT',
  canceled: 'CANCELLED',
  unavailable: 'CANCELLED',
  invoiced: 'SEPARATED',
  processing: 'SEPARATED',
  approved: 'SEPARATED',
  created: 'RECEIVED',
}

/** The transitions of an order, with its own times; what the file leaves out happened no later than the next it tells. */
function passosDe(linha: Linha): Passo[] {
  const { status, compra, aprovado, transporte, entregue } = linha
  const final = FINAL[status]
  const passos: Passo[] = []
  const passo = (para: string, ...candidatos: string[]) =>
    passos.push({ status: para, em: momento(candidatos.find((texto) => texto !== '') ?? compra) })
  if (aprovado !== '' && final !== 'RECEIVED') passo('SEPARATED', aprovado)
  if (final === 'SEPARATED' && aprovado === '') passo('SEPARATED')
  const enviado = transporte !== '' || final === 'DELIVERED' || final === 'IN_TRANSIT'
  if (enviado) passo('IN_TRANSIT', transporte, entregue, aprovado)
  if (final === 'DELIVERED') passo('DELIVERED', entregue, transporte)
  // A cancellation after transport turns the parcel back, and the file's last word is that the order is no more.
  if (final === 'CANCELLED') passo(enviado ? 'cancel' : 'CANCELLED', transporte, aprovado)
  return passos
}
/** The status in which the replay must end. */
const fimDe = (linha: Linha): string => {
  const ultimo = passosDe(linha).at(-1)?.status ?? 'RECEIVED'
  return ultimo === 'cancel' ? 'RETURNING' : ultimo
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
        const [caminho, corpo] = status === 'cancel' ? ['cancel', {}] : ['transitions', { status, occurred_at: em }]
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
    const contados = await bancada.sql<{ status: number; n: number }[]>`
      select status::int, count(*)::int as n from pedido group by 1`
    const esperados = new Map<string, number>()
    for (const linha of linhas) esperados.set(fimDe(linha), (esperados.get(fimDe(linha)) ?? 0) + 1)
    expect(new Map(contados.map(({ status, n }) => [codigos[status], n]))).toEqual(esperados)

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
        if (passo === undefined || passo.status === 'cancel') return
        expect([codigos[status], momento(em)]).toEqual([passo.status, passo.em])
      })
    }
  })
})
