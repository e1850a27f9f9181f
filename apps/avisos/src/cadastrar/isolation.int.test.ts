import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { mover, receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWebhookStage, type WebhookStage } from '../../test/webhook-stage.ts'
import { createEscutarStore } from '../escutar/store.ts'
import { createWebhookStore, READ_SETTINGS } from './webhook-store.ts'

const COMERCIANTES = ['loja', 'Loja', 'loja.', 'loja-1', 'loja-10'] as const
const EVENTOS = 4

let stage: WebhookStage
/** As the role of reads, and as the service. */
let readPool: Sql
let service: Sql
/** The webhook of each merchant. */
const possessions = new Map<string, string>()
const connection = () => ({ url: stage.cluster.database.appUrl, name: 'teste isolamento' })

beforeAll(async () => {
  stage = await createWebhookStage()
  for (const comerciante of COMERCIANTES) {
    const ask = await stage.node.askAs(comerciante)
    possessions.set(comerciante, (await stage.create({}, ask)).id)
    for (let i = 0; i < EVENTOS / 2; i += 1) await mover(ask, await receber(ask), 'IN_TRANSIT', { note: comerciante })
  }
  await stage.arrived(COMERCIANTES.length * EVENTOS)
  const done = async () => (await stage.sql`select from aviso where situacao <> 1`).length === 0
  await waitFor(done, { what: 'what came of each delivery' })
  readPool = createSql({ ...connection(), max: 4, settings: READ_SETTINGS })
  service = createSql({ ...connection(), max: 2 })
})
afterAll(async () => {
  await Promise.all([closeSql(readPool), closeSql(service)])
  await stage.close()
})

const FILTER = /(?:\w+\.comerciante_id|"\w+"\."comerciante_id") = (\$\d+)/g

/** What is read for a merchant on a pool whose statements have lost the filters that name the merchant. */
function withoutFilter(sql: Sql) {
  const unsafe = (text: string, ...rest: [never]) => {
    expect(text).toMatch(FILTER)
    return sql.unsafe(text.replaceAll(FILTER, '$1::text is not null'), ...rest)
  }
  const readPoolOpen = { unsafe } as unknown as Sql
  return {
    ...createWebhookStore({ sql, readPool: readPoolOpen }),
    stream: createEscutarStore({ sql, readPool: readPoolOpen, now: () => new Date() }),
  }
}

describe('with the application’s filter removed, row-level security stands behind every read of webhooks', () => {
  test('every list is still the merchant’s own', async () => {
    for (const [comerciante, webhook] of possessions) {
      expect((await withoutFilter(readPool).listar(comerciante)).map(({ id }) => id)).toEqual([webhook])
    }
  })

  test('a stream reads its merchant’s events', async () => {
    for (const comerciante of COMERCIANTES) {
      const events = await withoutFilter(readPool).stream.after(comerciante, comerciante, 0)
      const bodies = events.map(({ data }) => String(data['body']))
      expect(bodies.map((body) => JSON.parse(body).data.actor)).toEqual(Array(EVENTOS).fill(comerciante))
    }
  })

  test('a webhook and its deliveries of another merchant are still nobody’s', async () => {
    const isOpen = withoutFilter(readPool)
    for (const comerciante of COMERCIANTES) {
      for (const [owner, webhook] of possessions) {
        const own = owner === comerciante
        expect((await isOpen.byId(comerciante, webhook))?.id).toBe(own ? webhook : undefined)
        const found = await isOpen.avisos(comerciante, webhook, { count: 100 })
        expect(found.map(({ tentativas }) => tentativas.length)).toEqual(own ? Array(EVENTOS).fill(1) : [])
      }
    }
  })

  test('the same statements show everybody’s rows to a role that is not under it: it is what holds', async () => {
    const isOpen = withoutFilter(service)
    expect(await isOpen.listar('loja')).toHaveLength(COMERCIANTES.length)
    const found = await isOpen.avisos('loja', possessions.get('loja-10') ?? '', { count: 100 })
    expect(found).toHaveLength(EVENTOS)
    expect(await isOpen.stream.after('loja', 'loja', 0)).toHaveLength(COMERCIANTES.length * EVENTOS)
  })
})

describe('the role of reads', () => {
  const TABLES = ['evento', 'aviso', 'aviso_tentativa'] as const
  const countRows = async (sql: Sql): Promise<number> => {
    const sums = TABLES.map((table) => `(select count(*) from ${table})`).join(' + ')
    const text = `select (${sums} + (select count(id) from webhook))::int as n`
    return Number((await sql.unsafe<{ n: number }[]>(text))[0]?.n)
  }

  test('sees nothing where no merchant was set, also right after another request of the same connection', async () => {
    const one = createSql({ ...connection(), max: 1, settings: READ_SETTINGS })
    expect(await countRows(service)).toBe(COMERCIANTES.length * (EVENTOS * TABLES.length + 1))
    expect(await countRows(one)).toBe(0)
    const own = await one.unsafe<{ comerciante_id: string }[]>(ownRows('select comerciante_id from evento'), ['loja'])
    expect(own.map(({ comerciante_id: of }) => of)).toEqual(Array(EVENTOS).fill('loja'))
    expect(await countRows(one)).toBe(0)
    // A statement that fails leaves nothing behind either.
    await expect(one.unsafe(ownRows('select 1 / (id is null)::int from evento'), ['loja'])).rejects.toThrow('zero')
    expect(await countRows(one)).toBe(0)
    await closeSql(one)
  })

  test('neither writes nor reads what is not for merchants: secrets, what waits to be told, what was read of a log', async () => {
    for (const text of [
      'update evento set corpo = null',
      'delete from evento',
      'insert into webhook select * from webhook',
      'update aviso set vence_em = now()',
      'select segredo from webhook',
      'select segredo_anterior from webhook',
      'select * from webhook',
      'select * from ouvinte',
      'select * from lancamento_a_avisar',
      'select * from dia_a_avisar',
      'select * from inbox_pedidos',
    ]) {
      await expect(readPool.unsafe(text), text).rejects.toThrow('permission denied')
    }
  })
})
