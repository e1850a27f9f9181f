import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { VERSOES_PER_GERACAO } from '../domain/saldo.ts'
import type { DayTotal } from './day-totals.ts'

/** Rows deleted at once: a delete that takes a fraction of a second holds up nobody. */
const DELETE_ROWS = 10_000

export type GeracaoStore = {
  /** The generation that is read, and the next free one. */
  geracoes(): Promise<{ atual: number; nova: number }>
  /** Adds days to a generation that nobody reads yet. */
  add(geracao: number, days: readonly DayTotal[]): Promise<void>
  /** Deletes every generation but one, in steps. */
  deleteOthers(geracao: number): Promise<number>
}

const FIND = statement(
  'generations.find',
  `select p.geracao as atual, greatest(p.geracao, coalesce((select max(geracao) from saldo), 0)) + 1 as nova
   from projecao p`,
)

const DELETE_OTHERS = statement(
  'generations.delete-others',
  `delete from saldo where ctid = any (array(select ctid from saldo where geracao <> $1::int limit ${DELETE_ROWS}))`,
  { prepare: false },
)

const ADD = statement(
  'generations.add',
  `
insert into saldo as s (geracao, comerciante_id, data, creditos, debitos, quantidade, versao, atualizado_em)
select $1::int, d.comerciante_id, d.data, d.creditos, d.debitos, d.quantidade,
  $1::int * ${VERSOES_PER_GERACAO}::bigint + 1, date_trunc('milliseconds', now())
from unnest($2::text::text[], $3::text::date[], $4::text::numeric[], $5::text::numeric[], $6::text::bigint[])
  as d(comerciante_id, data, creditos, debitos, quantidade)
on conflict (geracao, comerciante_id, data) do update set
  creditos = s.creditos + excluded.creditos,
  debitos = s.debitos + excluded.debitos,
  quantidade = s.quantidade + excluded.quantidade,
  versao = s.versao + 1,
  atualizado_em = excluded.atualizado_em`,
)

/** The statements that write generations, on `sql` whether it is a pool or one connection. */
export function createGeracaoStore(sql: Pick<Sql, 'unsafe'>): GeracaoStore {
  return {
    geracoes: async () => {
      const [row] = await run<{ atual: number; nova: number }>(sql, FIND)
      if (row === undefined) throw new Error('the database has no projection: run `npm run migrate`')
      return { atual: row.atual, nova: row.nova }
    },
    add: async (geracao, days) => {
      const columns = [
        days.map((d) => d.comercianteId),
        days.map((d) => d.data),
        days.map((d) => d.creditos),
        days.map((d) => d.debitos),
        days.map((d) => d.quantidade),
      ]
      await run(sql, ADD, [geracao, ...columns.map(arrayLiteral)])
    },
    deleteOthers: async (geracao) => {
      let total = 0
      for (;;) {
        const { count } = await run(sql, DELETE_OTHERS, [geracao])
        total += count
        if (count < DELETE_ROWS) return total
      }
    },
  }
}
