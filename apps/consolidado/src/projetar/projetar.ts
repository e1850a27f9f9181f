import type { Positioned } from '@fluxo/shared/inbox/inbox'
import type { Effect } from '@fluxo/shared/inbox/statement'
import { type Saldo, VERSOES_PER_GERACAO } from '../domain/saldo.ts'

/** One entry of the ledger as the projection needs it. */
export type SignedLancamento = Positioned & {
  /** A string, since the event could be read. */
  id: string
  comercianteId: string
  /** `YYYY-MM-DD` */
  data: string
  /** Cents, positive for a credit and negative for a debit; never zero. */
  valor: bigint
  /** When the entry was registered, in ms since 1970. */
  registeredAt: number
}

type EffectResult = { now: number; days: [string, string, string, string, number, number][] }

/**
 * The projection's effect: adds the new entries to their days.
 *
 * Pre-aggregated, so that a hot day is touched once a batch, and upserted in the order of the key. The generation is
 * re-read under a row lock after the inbox's lock: a rebuild may have swapped it while the statement waited. Amounts
 * come back as text, since JSON numbers are exact to 2^53 only; the time is cut to milliseconds, as it is shown.
 */
export const SALDO_EFFECT: Effect<SignedLancamento, Saldo[]> = {
  columns: [
    { name: 'comerciante_id', type: 'text', value: (row) => row.comercianteId },
    { name: 'data', type: 'date', value: (row) => row.data },
    { name: 'valor', type: 'bigint', value: (row) => row.valor },
  ],
  ctes: `
geracao as materialized (
  select g.geracao from marca m, projecao g where g.id = 1 for share of g
),
delta as (
  select comerciante_id, data, count(*) as quantidade,
    sum(case when valor > 0 then valor else 0 end) as creditos,
    sum(case when valor < 0 then -valor else 0 end) as debitos
  from novos group by comerciante_id, data
),
tocadas as (
  insert into saldo as s (geracao, comerciante_id, data, creditos, debitos, quantidade, versao, atualizado_em)
  select g.geracao, d.comerciante_id, d.data, d.creditos, d.debitos, d.quantidade,
    g.geracao * ${VERSOES_PER_GERACAO}::bigint + 1, date_trunc('milliseconds', now())
  from delta d cross join geracao g order by d.comerciante_id, d.data
  on conflict (geracao, comerciante_id, data) do update set
    creditos = s.creditos + excluded.creditos,
    debitos = s.debitos + excluded.debitos,
    quantidade = s.quantidade + excluded.quantidade,
    versao = s.versao + 1,
    atualizado_em = excluded.atualizado_em
  returning s.comerciante_id, s.data, s.creditos, s.debitos, s.quantidade, s.versao
)`,
  result: `(
  select json_build_object(
    'now', (extract(epoch from date_trunc('milliseconds', now())) * 1000)::bigint,
    'days', json_agg(json_build_array(
      t.comerciante_id, t.data, t.creditos::text, t.debitos::text, t.quantidade, t.versao)))::text
  from tocadas t having count(*) > 0
)`,
  parse: (json) => {
    const { now, days } = json as EffectResult
    const atualizadoEm = new Date(now).toISOString()
    return days.map(([comercianteId, data, creditos, debitos, quantidade, versao]) => ({
      comercianteId,
      data,
      creditos: BigInt(creditos),
      debitos: BigInt(debitos),
      quantidade,
      versao,
      atualizadoEm,
    }))
  },
}
