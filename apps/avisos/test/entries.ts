import { randomUUID } from 'node:crypto'
import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import { createInbox } from '@fluxo/shared/inbox/inbox'
import { readEvent } from '@fluxo/shared/log/event'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createServiceDatabase } from '@fluxo/tests/stage/databases'
import { TELLING_SETTINGS } from '../src/app.ts'
import { lancamentosGroup } from '../src/logs/lancamentos.ts'

type Entry = { comercianteId: string; data?: string; tipo?: string; valor?: string; estorna?: string; em?: Date }
type Told = { tipo: string; seq: number; corpo: string }

/** The ledger as avisos follows it, without its services: entries are noted in a database of avisos, and what is made of them is read. */
export async function createEntries({ dayEveryMs = 60_000 } = {}) {
  const database = await createServiceDatabase('avisos')
  const open = (name: string, url: string) => createSql({ url, max: 2, name, settings: TELLING_SETTINGS })
  const sql = createSql({ url: database.ownerUrl, max: 2, name: 'teste' })
  const pools = [open('um', database.appUrl), open('outro', database.appUrl)] as const
  const group = lancamentosGroup(dayEveryMs)
  const inbox = createInbox({ sql: pools[0], effect: group.effect, table: group.inbox })
  await inbox.prepare(1)
  const epoca = randomUUID()
  let posicao = 0
  const rowOf = ({ comercianteId, em = new Date(), data = '2025-10-15', ...fields }: Entry) => {
    posicao += 1
    const id = randomUUID()
    const read = readEvent(group.read, posicao, {
      ...{ specversion: '1.0', id, source: '/lancamentos', type: 'lancamento.registrado.v1', subject: comercianteId },
      ...{ time: em.toISOString(), datacontenttype: 'application/json', particao: 0, epoca },
      sequence: String(posicao).padStart(16, '0'),
      data: { id, comerciante_id: comercianteId, tipo: 'CREDITO', valor: '150.50', data, ...fields },
    })
    if (read.outcome !== 'read') throw new Error(read.reason)
    return read.row
  }
  return {
    sql,
    /** The pools of two instances. */
    pools,
    /** Notes entries, as one batch; gives their ids. */
    note: async (entries: readonly Entry[]): Promise<string[]> => {
      const rows = entries.map(rowOf)
      const applied = await inbox.apply({ particao: 0, epoca, rows })
      if (applied.outcome !== 'applied') throw new Error(applied.outcome)
      return rows.map(({ id }) => id)
    },
    /** A webhook of a merchant for these types; gives its id. */
    hear: async (comercianteId: string, eventos: readonly string[], desde = new Date(Date.now() - 3_600_000)) => {
      const id = randomUUID()
      await sql`insert into ouvinte (comerciante_id, desde) values (${comercianteId}, ${desde}) on conflict do nothing`
      await sql`
        insert into webhook (id, comerciante_id, url, eventos, segredo, desde)
        values (${id}, ${comercianteId}, 'https://loja.example/', ${arrayLiteral(eventos)}::text::text[], '', ${desde})`
      return id
    },
    /** All entries that wait have waited long enough. */
    ripen: () => sql`update lancamento_a_avisar set notado_em = now() - interval '2 seconds'`,
    /** What a merchant was told, in order. */
    toldTo: (comercianteId: string) =>
      sql<Told[]>`select tipo, seq::int, corpo from evento where comerciante_id = ${comercianteId} order by seq`,
    close: async () => {
      await Promise.all([sql, ...pools].map(closeSql))
      await database.drop()
    },
  }
}

export type Entries = Awaited<ReturnType<typeof createEntries>>

/** The ids of the entries in a lot. */
export const entriesOf = ({ corpo: body }: { corpo: string }): string[] =>
  (JSON.parse(body) as { data: { itens: { id: string }[] } }).data.itens.map(({ id }) => id)
