import type { Tx } from '@fluxo/shared/postgres/transactions'
import { type Saldo, saldoVazio } from '../domain/saldo.ts'

/** A day that the rebuild changed: amounts in cents, null where the day was not there. */
export type Diferenca = {
  comercianteId: string
  data: string
  antes: { creditos: bigint; debitos: bigint; quantidade: number } | null
  /** As it is in the new generation; zeros where it is gone. */
  depois: Saldo
}

type Linha = {
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

const COMPARAR = `
select comerciante_id, data::text as data,
  a.creditos::text as creditos_antes, a.debitos::text as debitos_antes, a.quantidade::float8 as quantidade_antes,
  n.creditos::text as creditos, n.debitos::text as debitos, n.quantidade::float8 as quantidade,
  n.versao::float8 as versao,
  to_char(n.atualizado_em at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as atualizado_em
from (select * from saldo where geracao = $1::int) a
full join (select * from saldo where geracao = $2::int) n using (comerciante_id, data)
where (a.creditos, a.debitos, a.quantidade) is distinct from (n.creditos, n.debitos, n.quantidade)
order by comerciante_id, data`

const ROWS_AT_ONCE = 1_000

/** Gives the days that differ between two generations, as `conexao` sees them now, in portions. */
export async function* diferencas(conexao: Tx, antes: number, depois: number): AsyncGenerator<Diferenca[]> {
  for await (const linhas of conexao.unsafe<Linha[]>(COMPARAR, [antes, depois]).cursor(ROWS_AT_ONCE)) {
    yield linhas.map((linha) => diferencaDe(linha, depois))
  }
}

function diferencaDe(linha: Linha, geracao: number): Diferenca {
  const { comerciante_id: comercianteId, data } = linha
  const depois: Saldo =
    linha.creditos === null
      ? saldoVazio(comercianteId, data, geracao)
      : {
          comercianteId,
          data,
          creditos: BigInt(linha.creditos),
          debitos: BigInt(linha.debitos ?? 0),
          quantidade: linha.quantidade ?? 0,
          versao: linha.versao ?? 0,
          atualizadoEm: linha.atualizado_em,
        }
  const antes =
    linha.creditos_antes === null
      ? null
      : {
          creditos: BigInt(linha.creditos_antes),
          debitos: BigInt(linha.debitos_antes ?? 0),
          quantidade: linha.quantidade_antes ?? 0,
        }
  return { comercianteId, data, antes, depois }
}
