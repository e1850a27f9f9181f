import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, createCluster } from '../../test/cluster.ts'
import { createAcompanharStore } from '../acompanhar/store.ts'
import { createRastreioStore } from '../rastrear/store.ts'
import { tokenHash } from '../rastrear/token.ts'
import type { PedidoFilters } from './listar.ts'
import { createPedidoReadStore, READ_SETTINGS } from './store.ts'

const COMERCIANTES = ['loja', 'Loja', 'loja.', 'loja-1', 'loja-10'] as const
const PEDIDOS = 3

type Possessions = { pedidos: string[]; token: string }

let cluster: Cluster
/** As the role of reads, and as the service. */
let readPool: Sql
let service: Sql
const possessions = new Map<string, Possessions>()
const connection = () => ({ url: cluster.database.appUrl, name: 'teste isolamento' })

beforeAll(async () => {
  cluster = await createCluster()
  const one = await cluster.open('a')
  for (const comerciante of COMERCIANTES) {
    const ask = await one.askAs(comerciante)
    const pedidos: string[] = []
    for (let i = 0; i < PEDIDOS; i += 1) {
      const pedido = await receber(ask, { customer_name: comerciante, referencia: `r-${i}` })
      await mover(ask, pedido, 'IN_TRANSIT', { note: comerciante })
      pedidos.push(pedido)
    }
    const opened = await ask(`/orders/${pedidos[0]}/tracking`, { method: 'POST' })
    possessions.set(comerciante, { pedidos, token: ((await opened.json()) as { token: string }).token })
  }
  readPool = createSql({ ...connection(), max: 4, settings: READ_SETTINGS })
  service = createSql({ ...connection(), max: 2 })
})
afterAll(async () => {
  await Promise.all([closeSql(readPool), closeSql(service)])
  await cluster.close()
})

const FILTER = /(?:\w+\.comerciante_id|"\w+"\."comerciante_id") = (\$\d+)/g

/** The pool `sql`, but every statement on it has lost the filters that name the merchant. */
function withoutFilter(sql: Sql): Sql {
  const unsafe = (text: string, ...rest: [never]) => {
    expect(text).toMatch(FILTER)
    return sql.unsafe(text.replaceAll(FILTER, '$1::text is not null'), ...rest)
  }
  return { unsafe } as unknown as Sql
}

/** Everything that is read for a merchant, on one pool. */
const readsOf = (sql: Sql) => {
  const reads = createPedidoReadStore(sql)
  return { reads, live: createAcompanharStore(sql, reads) }
}

const FILTERS: PedidoFilters[] = [
  {},
  { de: '2025-01-01', ate: '2199-01-01' },
  { status: 'IN_TRANSIT' },
  { referencia: 'r-2' },
  { de: '2025-01-01', status: 'IN_TRANSIT', referencia: 'r-0' },
]

describe('with the application’s filter removed, row-level security stands behind every read of deliveries', () => {
  test('every list is still the merchant’s own, with any filters and on any page', async () => {
    const [whole, isOpen] = [readsOf(readPool), readsOf(withoutFilter(readPool))]
    const after = ['2199-01-01T00:00:00.000Z', 'ffffffff-ffff-7fff-bfff-ffffffffffff'] as const
    for (const [comerciante, { pedidos }] of possessions) {
      // A `referencia` is unique per merchant only: without its filter the look-up may meet many.
      for (const filters of FILTERS.filter(({ referencia }) => referencia === undefined)) {
        for (const point of [undefined, after]) {
          const right = await whole.reads.listar(comerciante, filters, point, 100)
          expect(new Set(right.map(({ id }) => id))).toEqual(new Set(pedidos))
          expect(await isOpen.reads.listar(comerciante, filters, point, 100)).toEqual(right)
        }
      }
      for (const filters of FILTERS.filter(({ referencia }) => referencia !== undefined)) {
        const right = await whole.reads.listar(comerciante, filters, undefined, 100)
        expect([right.length, await isOpen.reads.listar(comerciante, filters, undefined, 100)]).toEqual([1, right])
      }
    }
  })

  test('an order, its history and its stream of another merchant are still nobody’s', async () => {
    const isOpen = readsOf(withoutFilter(readPool))
    for (const comerciante of COMERCIANTES) {
      for (const [owner, { pedidos }] of possessions) {
        const own = owner === comerciante
        for (const id of pedidos) {
          expect((await isOpen.reads.byId(comerciante, id))?.id).toBe(own ? id : undefined)
          expect((await isOpen.reads.eventos(comerciante, id, 0))?.length).toBe(own ? 2 : undefined)
          expect(await isOpen.live.after(comerciante, id, 0)).toHaveLength(own ? 2 : 0)
        }
      }
    }
  })

  test('concurrent reads of many merchants on few connections never mix', async () => {
    const few = createSql({ ...connection(), max: 2, settings: READ_SETTINGS })
    const { reads } = readsOf(withoutFilter(few))
    const pedidos = Array.from({ length: 400 }, (_, i) => COMERCIANTES[i % COMERCIANTES.length] ?? COMERCIANTES[0])
    const lists = await Promise.all(pedidos.map((comerciante) => reads.listar(comerciante, {}, undefined, 100)))
    lists.forEach((list, i) => {
      expect(new Set(list.map(({ comercianteId }) => comercianteId))).toEqual(new Set([pedidos[i]]))
    })
    await closeSql(few)
  })

  test('the same statements show everybody’s rows to a role that is not under it: it is what holds', async () => {
    const { reads } = readsOf(withoutFilter(service))
    const everything = await reads.listar('loja', {}, undefined, 100)
    expect(new Set(everything.map(({ comercianteId }) => comercianteId))).toEqual(new Set(COMERCIANTES))
    const foreign = possessions.get('loja-10')
    expect((await reads.eventos('loja', foreign?.pedidos[0] ?? '', 0))?.length).toBe(2)
  })
})

describe('the role of reads', () => {
  const TABLES = ['pedido', 'evento'] as const
  const countRows = async (sql: Sql): Promise<number> => {
    const sums = TABLES.map((table) => `(select count(*) from ${table})`).join(' + ')
    return Number((await sql.unsafe<{ n: number }[]>(`select (${sums})::int as n`))[0]?.n)
  }

  test('sees nothing where no merchant was set, also right after another request of the same connection', async () => {
    const one = createSql({ ...connection(), max: 1, settings: READ_SETTINGS })
    expect(await countRows(service)).toBe(COMERCIANTES.length * PEDIDOS * 3)
    expect(await countRows(one)).toBe(0)
    expect(await createPedidoReadStore(one).listar('loja', {}, undefined, 100)).toHaveLength(PEDIDOS)
    expect(await countRows(one)).toBe(0)
    // A statement that fails leaves nothing behind either.
    await expect(one.unsafe(ownRows('select 1 / (id is null)::int from pedido'), ['loja'])).rejects.toThrow('zero')
    expect(await countRows(one)).toBe(0)
    await closeSql(one)
  })

  test('neither writes nor reads what is not for merchants: tokens, steps, the log’s state', async () => {
    for (const text of [
      'update pedido set status = 0',
      'delete from evento',
      'select * from rastreio',
      'select * from passo',
      'select * from posicao',
      'select * from inbox_particao',
    ]) {
      await expect(readPool.unsafe(text), text).rejects.toThrow('permission denied')
    }
  })

  test('learns of one token which order it opens, and cannot ask for more than that', async () => {
    const rastreios = createRastreioStore({ sql: service, readPool })
    for (const [comerciante, { token, pedidos }] of possessions) {
      const found = await rastreios.byToken(tokenHash(token) ?? '')
      expect(found).toEqual({ comercianteId: comerciante, pedidoId: pedidos[0] })
    }
    for (const text of ['', '00', "%' or true --".repeat(2)]) {
      const hex = Buffer.from(text).toString('hex')
      expect(await rastreios.byToken(hex)).toBeUndefined()
    }
    const [everybody] = await service.unsafe<{ pode: boolean }[]>(
      "select has_function_privilege('public', 'rastreio_do_token(bytea)', 'execute') as pode",
    )
    expect(everybody?.pode).toBe(false)
  })
})
