import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { type Casa, createCasa, mover, receber } from '../../test/casa.ts'
import { createReceptor, type Receptor } from '../../test/receptor.ts'
import { createAcompanharStore } from '../acompanhar/store.ts'
import { createWebhookStore } from '../avisar/webhook-store.ts'
import { createRastreioStore } from '../rastrear/store.ts'
import { hashDoToken } from '../rastrear/token.ts'
import type { Filtros } from './listar.ts'
import { createLeituraStore, LEITURA_SETTINGS } from './store.ts'

const LOJAS = ['loja', 'Loja', 'loja.', 'loja-1', 'loja-10'] as const
const PEDIDOS = 3

type Posses = { pedidos: string[]; webhook: string; token: string }

let casa: Casa
let receptor: Receptor
/** As the role of reads, and as the service. */
let leituras: Sql
let servico: Sql
const posses = new Map<string, Posses>()
const conexao = () => ({ url: casa.database.appUrl, name: 'teste isolamento' })

beforeAll(async () => {
  casa = await createCasa()
  receptor = await createReceptor()
  const uma = await casa.abrir('a')
  for (const loja of LOJAS) {
    const pedir = await uma.como(loja)
    const { id: webhook } = (await (await pedir('/webhooks', json({ url: receptor.url }))).json()) as { id: string }
    const pedidos: string[] = []
    for (let i = 0; i < PEDIDOS; i += 1) {
      const pedido = await receber(pedir, { customer_name: loja, referencia: `r-${i}` })
      await mover(pedir, pedido, 'IN_TRANSIT', { note: loja })
      pedidos.push(pedido)
    }
    const aberta = await pedir(`/orders/${pedidos[0]}/tracking`, { method: 'POST' })
    posses.set(loja, { pedidos, webhook, token: ((await aberta.json()) as { token: string }).token })
  }
  const todas = LOJAS.length * PEDIDOS * 2
  await waitFor(() => receptor.recebidas.length >= todas, { timeoutMs: 30_000, what: `${todas} webhooks` })
  leituras = createSql({ ...conexao(), max: 4, settings: LEITURA_SETTINGS })
  servico = createSql({ ...conexao(), max: 2 })
})
afterAll(async () => {
  await Promise.all([closeSql(leituras), closeSql(servico)])
  await casa.fechar()
  await receptor.fechar()
})

const FILTRO = /(?:\w+\.comerciante_id|"\w+"\."comerciante_id") = (\$\d+)/g

/** The pool `sql`, but every statement on it has lost the filters that name the merchant. */
function semFiltro(sql: Sql): Sql {
  const unsafe = (texto: string, ...resto: [never]) => {
    expect(texto).toMatch(FILTRO)
    return sql.unsafe(texto.replaceAll(FILTRO, '$1::text is not null'), ...resto)
  }
  return { unsafe } as unknown as Sql
}

/** Everything that is read for a merchant, on one pool. */
const lojasDe = (sql: Sql) => {
  const leitura = createLeituraStore(sql)
  return { leitura, webhooks: createWebhookStore({ sql, leituras: sql }), ouvidos: createAcompanharStore(sql, leitura) }
}

const FILTROS: Filtros[] = [
  {},
  { de: '2025-01-01', ate: '2199-01-01' },
  { status: 'IN_TRANSIT' },
  { referencia: 'r-2' },
  { de: '2025-01-01', status: 'IN_TRANSIT', referencia: 'r-0' },
]

describe('with the application’s filter removed, row-level security stands behind every read of deliveries', () => {
  test('every list is still the merchant’s own, with any filters and on any page', async () => {
    const [inteiro, aberto] = [lojasDe(leituras), lojasDe(semFiltro(leituras))]
    const depois = { createdAt: '2199-01-01T00:00:00.000Z', id: 'ffffffff-ffff-7fff-bfff-ffffffffffff' }
    for (const [loja, { pedidos, webhook }] of posses) {
      // A `referencia` is unique per merchant only: without its filter the look-up may meet many.
      for (const filtros of FILTROS.filter(({ referencia }) => referencia === undefined)) {
        for (const ponto of [undefined, depois]) {
          const certo = await inteiro.leitura.listar(loja, filtros, ponto, 100)
          expect(new Set(certo.map(({ id }) => id))).toEqual(new Set(pedidos))
          expect(await aberto.leitura.listar(loja, filtros, ponto, 100)).toEqual(certo)
        }
      }
      for (const filtros of FILTROS.filter(({ referencia }) => referencia !== undefined)) {
        const certo = await inteiro.leitura.listar(loja, filtros, undefined, 100)
        expect([certo.length, await aberto.leitura.listar(loja, filtros, undefined, 100)]).toEqual([1, certo])
      }
      expect((await aberto.webhooks.listar(loja)).map(({ id }) => id)).toEqual([webhook])
    }
  })

  test('an order, its history, its stream, a webhook and its deliveries of another merchant are still nobody’s', async () => {
    const aberto = lojasDe(semFiltro(leituras))
    for (const loja of LOJAS) {
      for (const [dono, { pedidos, webhook }] of posses) {
        const propria = dono === loja
        for (const id of pedidos) {
          expect((await aberto.leitura.porId(loja, id))?.id).toBe(propria ? id : undefined)
          expect((await aberto.leitura.eventos(loja, id, 0))?.length).toBe(propria ? 2 : undefined)
          expect(await aberto.ouvidos.depois(loja, id, 0)).toHaveLength(propria ? 2 : 0)
        }
        expect((await aberto.webhooks.porId(loja, webhook))?.id).toBe(propria ? webhook : undefined)
        const entregas = await aberto.webhooks.entregas(loja, webhook, { quantos: 100 })
        expect(entregas).toHaveLength(propria ? PEDIDOS * 2 : 0)
        await waitFor(async () =>
          (await aberto.webhooks.entregas(loja, webhook, { quantos: 100 })).every(
            ({ tentativas }) => tentativas.length > 0,
          ),
        )
      }
    }
  })

  test('concurrent reads of many merchants on few connections never mix', async () => {
    const poucas = createSql({ ...conexao(), max: 2, settings: LEITURA_SETTINGS })
    const { leitura } = lojasDe(semFiltro(poucas))
    const pedidos = Array.from({ length: 400 }, (_, i) => LOJAS[i % LOJAS.length] ?? LOJAS[0])
    const listas = await Promise.all(pedidos.map((loja) => leitura.listar(loja, {}, undefined, 100)))
    listas.forEach((lista, i) => {
      expect(new Set(lista.map(({ comercianteId }) => comercianteId))).toEqual(new Set([pedidos[i]]))
    })
    await closeSql(poucas)
  })

  test('the same statements show everybody’s rows to a role that is not under it: it is what holds', async () => {
    const { leitura, webhooks } = lojasDe(semFiltro(servico))
    const todos = await leitura.listar('loja', {}, undefined, 100)
    expect(new Set(todos.map(({ comercianteId }) => comercianteId))).toEqual(new Set(LOJAS))
    expect(await webhooks.listar('loja')).toHaveLength(LOJAS.length)
    const alheio = posses.get('loja-10')
    expect((await leitura.eventos('loja', alheio?.pedidos[0] ?? '', 0))?.length).toBe(2)
    expect(await webhooks.entregas('loja', alheio?.webhook ?? '', { quantos: 100 })).toHaveLength(PEDIDOS * 2)
  })
})

describe('the role of reads', () => {
  const TABELAS = ['pedido', 'evento', 'aviso', 'aviso_tentativa'] as const
  const contar = async (sql: Sql): Promise<number> => {
    const somas = TABELAS.map((tabela) => `(select count(*) from ${tabela})`).join(' + ')
    const texto = `select (${somas} + (select count(id) from webhook))::int as n`
    return Number((await sql.unsafe<{ n: number }[]>(texto))[0]?.n)
  }

  test('sees nothing where no merchant was set, also right after another request of the same connection', async () => {
    const uma = createSql({ ...conexao(), max: 1, settings: LEITURA_SETTINGS })
    expect(await contar(servico)).toBeGreaterThan(LOJAS.length * PEDIDOS * 4)
    expect(await contar(uma)).toBe(0)
    expect(await createLeituraStore(uma).listar('loja', {}, undefined, 100)).toHaveLength(PEDIDOS)
    expect(await contar(uma)).toBe(0)
    // A statement that fails leaves nothing behind either.
    await expect(uma.unsafe(ownRows('select 1 / (id is null)::int from pedido'), ['loja'])).rejects.toThrow('zero')
    expect(await contar(uma)).toBe(0)
    await closeSql(uma)
  })

  test('neither writes nor reads what is not for merchants: secrets, tokens, steps, the log’s state', async () => {
    for (const texto of [
      'update pedido set status = 0',
      'delete from evento',
      'insert into webhook select * from webhook',
      'update aviso set vence_em = now()',
      'select segredo from webhook',
      'select segredo_anterior from webhook',
      'select * from webhook',
      'select * from rastreio',
      'select * from passo',
      'select * from posicao',
      'select * from inbox_avisos',
    ]) {
      await expect(leituras.unsafe(texto), texto).rejects.toThrow('permission denied')
    }
  })

  test('learns of one token which order it opens, and cannot ask for more than that', async () => {
    const rastreios = createRastreioStore({ sql: servico, leituras })
    for (const [loja, { token, pedidos }] of posses) {
      const achado = await rastreios.porToken(hashDoToken(token) ?? '')
      expect(achado).toEqual({ comercianteId: loja, pedidoId: pedidos[0] })
    }
    for (const texto of ['', '00', "%' or true --".repeat(2)]) {
      const hex = Buffer.from(texto).toString('hex')
      expect(await rastreios.porToken(hex)).toBeUndefined()
    }
    const [publico] = await servico.unsafe<{ pode: boolean }[]>(
      "select has_function_privilege('public', 'rastreio_do_token(bytea)', 'execute') as pode",
    )
    expect(publico?.pode).toBe(false)
  })
})
