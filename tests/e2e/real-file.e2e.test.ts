import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../stage/load.ts'
import { type System, startSystem } from '../stage/system.ts'

/** Real input, where it lies beside the checkout; its licence keeps it out of the repository. */
const REAL =
  process.env['FLUXO_DADOS'] ?? fileURLToPath(new URL('../../../shared/data/olist/lancamentos.csv', import.meta.url))

const MADE_LINES = 5_000

/** A file of the same shape: accents, quoted commas, references, several days, sums that floating point gets wrong. */
const madeFile = (): string => {
  const lines = ['data,tipo,valor,descricao,referencia']
  for (let i = 0; i < MADE_LINES; i += 1) {
    const date = `2017-${String(1 + (i % 12)).padStart(2, '0')}-${String(1 + (i % 28)).padStart(2, '0')}`
    const tipo = i % 3 === 0 ? 'DEBITO' : 'CREDITO'
    lines.push(`${date},${tipo},${i + 1}.${i % 10}${(i * 7) % 10},"Devolução do pedido ${i}, cancelado",ref-${i}`)
  }
  return `${lines.join('\n')}\n`
}

type Sums = { creditos: number; debitos: number; quantidade: number }

/** The sums of each day in integer cents, by nothing of the product: one split, one multiplication, one addition. */
const sumsOf = (csv: string): Map<string, Sums> => {
  const days = new Map<string, Sums>()
  for (const line of csv.trim().split(/\r?\n/).slice(1)) {
    const [data = '', tipo = '', valor = ''] = line.split(',', 3)
    const [whole = '', decimals = ''] = valor.split('.')
    const cents = Number(whole) * 100 + Number(decimals.padEnd(2, '0'))
    const day = days.get(data) ?? { creditos: 0, debitos: 0, quantidade: 0 }
    if (tipo === 'CREDITO') day.creditos += cents
    else day.debitos += cents
    day.quantidade += 1
    days.set(data, day)
  }
  return days
}

const inCents = (text: string): number => Math.round(Number(text) * 100)

const files = [{ name: 'a made file', read: async () => madeFile() }]
if (existsSync(REAL)) files.push({ name: 'the real file', read: () => readFile(REAL, 'utf8') })

describe('importing', () => {
  let system: System
  const client = createClient()
  beforeAll(async () => {
    system = await startSystem({ lancamentos: 1, consolidado: 1 })
  })
  afterAll(async () => {
    client.close()
    await system?.stop()
  })

  it.each(files)('$name twice creates each line once, and every day’s balance is exact', async ({ name, read }) => {
    const body = await read()
    const days = sumsOf(body)
    const lines = [...days.values()].reduce((sum, { quantidade }) => sum + quantidade, 0)
    const headers = { ...(await system.as(name.replaceAll(' ', '-'))), 'Content-Type': 'text/csv' }
    const url = `${system.url('lancamentos')}/lancamentos/importacoes`
    const send = async () => JSON.parse((await client.send(url, { method: 'POST', headers, body })).body)

    expect(await send()).toMatchObject({ linhas: lines, criados: lines, repetidos: 0, recusados: 0, erros: [] })
    expect(await send()).toMatchObject({ linhas: lines, criados: 0, repetidos: lines, recusados: 0, erros: [] })
    await system.caughtUp()
    for (const [data, { creditos, debitos, quantidade }] of days) {
      const { status, body: answer } = await client.send(`${system.url('consolidado')}/consolidado/${data}`, {
        headers,
      })
      expect(status).toBe(200)
      const texts = [...answer.matchAll(/"(?:total_creditos|total_debitos|saldo_final)":(-?\d+\.\d\d)/g)]
      expect([data, ...texts.map(([, text = '']) => inCents(text))]).toEqual([
        data,
        creditos,
        debitos,
        creditos - debitos,
      ])
      expect(JSON.parse(answer).quantidade).toBe(quantidade)
    }
    process.stdout.write(`${name}: ${lines} lines, ${days.size} days exact\n`)
  })
})
