import { inPortions, statement } from '@fluxo/shared/postgres/statement'
import type { Tx } from '@fluxo/shared/postgres/transactions'
import { emptySaldo, type Saldo } from '../domain/saldo.ts'

/** A day that the rebuild changed: amounts in cents, null where the day was not there. */
export type RebuildDifference = {
  comercianteId: string
  data: string
  before: { creditos: bigint; debitos: bigint; quantidade: number } | null
  /** As it is in the new generation; zeros where it is gone. */
  after: Saldo
}

type Row = {
  comerciante_id: string
  data: string
  creditos_antes: string | null
  debitos_antes: string | null
  quantidade_antes: number | null
  creditos: string | null
  debitos: string | null
  quantidade: number | null
  versao: number | null
  atualizado_em: string | null
}

const COMPARE = statement(
  'generations.compare',
  `
select comerciante_id, data::text as data,
  a.creditos::text as creditos_antes, a.debitos::text as debitos_antes, a.quantidade::float8 as quantidade_antes,
  n.creditos::text as creditos, n.debitos::text as debitos, n.quantidade::float8 as quantidade,
  n.versao::float8 as versao,
  to_char(n.atualizado_em at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as atualizado_em
from (select * from saldo where geracao = $1::int) a
full join (select * from saldo where geracao = $2::int) n using (comerciante_id, data)
where (a.creditos, a.debitos, a.quantidade) is distinct from (n.creditos, n.debitos, n.quantidade)
order by comerciante_id, data`,
  { prepare: false },
)

const ROWS_AT_ONCE = 1_000

/** Gives the days that differ between two generations, as `connection` sees them now, in portions. */
export async function* changedDays(connection: Tx, before: number, after: number): AsyncGenerator<RebuildDifference[]> {
  for await (const rows of inPortions<Row>(connection, COMPARE, [before, after], ROWS_AT_ONCE)) {
    yield rows.map((row) => changeOf(row, after))
  }
}

function changeOf(row: Row, geracao: number): RebuildDifference {
  const { comerciante_id: comercianteId, data } = row
  const after: Saldo =
    row.creditos === null
      ? emptySaldo(comercianteId, data, geracao)
      : {
          comercianteId,
          data,
          creditos: BigInt(row.creditos),
          debitos: BigInt(row.debitos ?? 0),
          quantidade: row.quantidade ?? 0,
          versao: row.versao ?? 0,
          atualizadoEm: row.atualizado_em,
        }
  const before =
    row.creditos_antes === null
      ? null
      : {
          creditos: BigInt(row.creditos_antes),
          debitos: BigInt(row.debitos_antes ?? 0),
          quantidade: row.quantidade_antes ?? 0,
        }
  return { comercianteId, data, before, after }
}
