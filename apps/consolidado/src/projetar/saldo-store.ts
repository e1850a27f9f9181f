import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Saldo } from '../domain/saldo.ts'

export type Dia = { comercianteId: string; data: string }

type Linha = {
  comerciante_id: string
  data: string
  creditos: string
  debitos: string
  quantidade: number
  versao: number
  atualizado_em: string
}

/** Days as they are now in the generation that is being read; a day without entries has no row. */
const LER_DIAS = `
select s.comerciante_id, s.data::text as data, s.creditos::text as creditos, s.debitos::text as debitos,
  s.quantidade::float8 as quantidade, s.versao::float8 as versao,
  to_char(s.atualizado_em at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as atualizado_em
from projecao g
cross join unnest($1::text::text[], $2::text::date[]) as k(comerciante_id, data)
join saldo s on s.geracao = g.geracao and s.comerciante_id = k.comerciante_id and s.data = k.data`

/** Reads the balances of the given days. */
export async function lerDias(sql: Sql, dias: readonly Dia[]): Promise<Saldo[]> {
  const chaves = [arrayLiteral(dias.map((d) => d.comercianteId)), arrayLiteral(dias.map((d) => d.data))]
  const linhas = await sql.unsafe<Linha[]>(LER_DIAS, chaves, { prepare: true })
  return linhas.map((linha) => ({
    comercianteId: linha.comerciante_id,
    data: linha.data,
    creditos: BigInt(linha.creditos),
    debitos: BigInt(linha.debitos),
    quantidade: linha.quantidade,
    versao: linha.versao,
    atualizadoEm: linha.atualizado_em,
  }))
}
