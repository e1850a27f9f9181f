import { cartaMorta, conferenciaParticao } from '@fluxo/drizzle/consolidado/schema'
import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import { ask } from '@fluxo/shared/postgres/ask'
import { run, statement } from '@fluxo/shared/postgres/statement'
import type { Transactions, Tx } from '@fluxo/shared/postgres/transactions'
import { count } from 'drizzle-orm'
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types'
import { VERSOES_PER_GERACAO } from '../domain/saldo.ts'
import type { DayKey } from '../projetar/saldo-store.ts'
import type { DayTotal } from '../reconstruir/day-totals.ts'
import { type BalanceSnapshot, readSnapshot } from './snapshot.ts'
import type { DayAmounts, StoredSaldo } from './verificar.ts'

const { particao, posicao, ultimo_id, faltas, epoca, geracao, redirigidas } = conferenciaParticao
const CHECKPOINT = { particao, posicao, ultimoId: ultimo_id, faltas, epoca, geracao, redirigidas }

/** How far a partition was added up, and of what. */
export type Checkpoint = SelectResultFields<typeof CHECKPOINT>

/** A day on both sides: what was added up of the ledger until `Checkpoint.posicao`, and its row (undefined: none). */
export type DayPair = { comercianteId: string; data: string; summed: DayAmounts; saldo: StoredSaldo | undefined }

/** One snapshot of everything that is compared: how many days, and up to which (undefined where the table ended). */
export type Comparison = {
  snapshot: BalanceSnapshot
  redirigidas: number
  checkpoints: Checkpoint[]
  pairs: DayPair[]
  days: number
  ate: DayKey | undefined
}

export type VerificarStore = {
  /** The given days, all of them. */
  days(days: readonly DayKey[]): Promise<Comparison>
  /** The next `limit` days after `afterDay` in the order of their key; of them those that differ. */
  stretch(afterDay: DayKey | undefined, limit: number): Promise<Comparison>
  /** Adds days and moves the position, both or neither. False where another instance was here first. */
  write(before: Checkpoint, after: Checkpoint, days: readonly DayTotal[]): Promise<boolean>
  /** Forgets a partition's sums and begins anew. */
  restart(next: Checkpoint): Promise<void>
}

type PairRow = { comerciante_id: string; data: string } & Record<
  'creditos' | 'debitos' | 'creditos_c' | 'debitos_c',
  string | null
> &
  Record<'quantidade' | 'quantidade_c' | 'versao', number | null>

const COLUMNS = `data::text as data, s.creditos::text as creditos, s.debitos::text as debitos,
  s.quantidade::float8 as quantidade, s.versao::float8 as versao,
  c.creditos::text as creditos_c, c.debitos::text as debitos_c, c.quantidade::float8 as quantidade_c`

const DAYS = statement(
  'verification.days',
  `
select k.comerciante_id, k.${COLUMNS}
from unnest($2::text::text[], $3::text::date[]) as k(comerciante_id, data)
left join saldo s on s.geracao = $1::int and s.comerciante_id = k.comerciante_id and s.data = k.data
left join conferencia c on c.comerciante_id = k.comerciante_id and c.data = k.data`,
  { prepare: false },
)

/** Both tables from the same day on, to the day that both have reached: the first of the two ends that are full. */
const STRETCH = statement(
  'verification.stretch',
  `
with s as materialized (
  select * from saldo where geracao = $1::int and (comerciante_id, data) > ($2, $3::date)
  order by comerciante_id, data limit $4::int
), c as materialized (
  select * from conferencia where (comerciante_id, data) > ($2, $3::date) order by comerciante_id, data limit $4::int
), fim as materialized (
  select comerciante_id, data from (
    (select comerciante_id, data from s order by comerciante_id, data offset $4::int - 1)
    union all (select comerciante_id, data from c order by comerciante_id, data offset $4::int - 1)) f
  order by comerciante_id, data limit 1
)
select comerciante_id, ${COLUMNS}, false as fim
from (select * from s where (comerciante_id, data) <= (select comerciante_id, data from fim) or not exists (select from fim)) s
full join (select * from c where (comerciante_id, data) <= (select comerciante_id, data from fim) or not exists (select from fim)) c
  using (comerciante_id, data)
where (s.creditos, s.debitos, s.quantidade) is distinct from (c.creditos, c.debitos, c.quantidade)
  or s.versao - $1::bigint * ${VERSOES_PER_GERACAO}::bigint not between 1 and s.quantidade
union all
select f.comerciante_id, f.data::text, null, null, (select count(*) from s)::float8, null, null, null, null, true
from (select 1) uma left join fim f on true`,
  { prepare: false },
)

const ADVANCE = statement(
  'verification.advance',
  `
with passo as (
  update conferencia_particao set posicao = $3::text::bigint, ultimo_id = $4::text::uuid, faltas = $5::text::bigint
  where particao = $1::smallint and conferencia_particao.posicao = $2::text::bigint and epoca = $6::text::uuid and geracao = $7::int
  returning particao
), soma as (
  insert into conferencia as c (particao, comerciante_id, data, creditos, debitos, quantidade)
  select p.particao, d.* from passo p,
    unnest($8::text::text[], $9::text::date[], $10::text::numeric[], $11::text::numeric[], $12::text::bigint[]) as d
  on conflict (comerciante_id, data) do update set
    creditos = c.creditos + excluded.creditos,
    debitos = c.debitos + excluded.debitos,
    quantidade = c.quantidade + excluded.quantidade
)
select count(*)::int as passos from passo`,
  { prepare: false },
)

const RESTART = statement(
  'verification.restart',
  `
insert into conferencia_particao (particao, posicao, ultimo_id, faltas, epoca, geracao, redirigidas)
values ($1::smallint, 0, null, 0, $2::text::uuid, $3::int, $4::text::bigint)
on conflict (particao) do update set posicao = 0, ultimo_id = null, faltas = 0, epoca = excluded.epoca,
  geracao = excluded.geracao, redirigidas = excluded.redirigidas`,
  { prepare: false },
)

/** Rows deleted at once: a fraction of a second. */
const DELETE_ROWS = 10_000
const FORGET = statement(
  'verification.forget',
  `delete from conferencia where ctid = any
   (array(select ctid from conferencia where particao = $1::smallint limit ${DELETE_ROWS}))`,
  { prepare: false },
)
/** No generation has this number, so what is half deleted is never taken for valid. */
const NO_GERACAO = 0

/** Reads both sides in one snapshot, and writes the check's own. */
export function createVerificarStore(transactions: Transactions): VerificarStore {
  const comparison = <T extends Pick<Comparison, 'pairs' | 'days' | 'ate'>>(
    read: (tx: Tx, geracao: number) => Promise<T>,
  ) =>
    transactions.run(async (tx): Promise<Comparison> => {
      await tx`set transaction isolation level repeatable read read only`
      const snapshot = await readSnapshot(tx)
      const [letters] = await ask(tx, (db) =>
        db.select({ redirigidas: count(cartaMorta.redirigida_em) }).from(cartaMorta),
      )
      const checkpoints = await ask(tx, (db) => db.select(CHECKPOINT).from(conferenciaParticao).orderBy(particao))
      return {
        snapshot,
        redirigidas: letters?.redirigidas ?? 0,
        checkpoints,
        ...(await read(tx, snapshot.geracao)),
      }
    })
  return {
    days: (days) =>
      comparison(async (tx, geracao) => {
        if (days.length === 0) return { pairs: [], days: 0, ate: undefined }
        const chaves = [arrayLiteral(days.map((d) => d.comercianteId)), arrayLiteral(days.map((d) => d.data))]
        const rows = await run<PairRow>(tx, DAYS, [geracao, ...chaves])
        return { pairs: rows.map(pairOf), days: days.length, ate: undefined }
      }),
    stretch: (afterDay, limit) =>
      comparison(async (tx, geracao) => {
        const { comercianteId, data } = afterDay ?? { comercianteId: '', data: '0001-01-01' }
        const parameters = [geracao, comercianteId, data, limit]
        const rows = await run<PairRow & { fim: boolean }>(tx, STRETCH, parameters)
        const end = rows.find((row) => row.fim)
        // The statement's own closing line: how many days it looked at, and where it stopped before the end.
        const ate = end?.comerciante_id ? { comercianteId: end.comerciante_id, data: end.data } : undefined
        return { pairs: rows.filter((row) => !row.fim).map(pairOf), days: end?.quantidade ?? 0, ate }
      }),
    write: (before, after, days) =>
      transactions.run(async (tx) => {
        const columns = [
          days.map((d) => d.comercianteId),
          days.map((d) => d.data),
          days.map((d) => d.creditos),
          days.map((d) => d.debitos),
          days.map((d) => d.quantidade),
        ]
        const { particao, posicao, ultimoId, faltas, epoca, geracao } = after
        const state = [particao, String(before.posicao), String(posicao), ultimoId, String(faltas), epoca, geracao]
        const [written] = await run<{ passos: number }>(tx, ADVANCE, [...state, ...columns.map(arrayLiteral)])
        return written?.passos === 1
      }),
    restart: async ({ particao, epoca, geracao, redirigidas }) => {
      const write = (g: number) => transactions.run((tx) => run(tx, RESTART, [particao, epoca, g, String(redirigidas)]))
      await write(NO_GERACAO)
      for (let deleted = DELETE_ROWS; deleted === DELETE_ROWS; ) {
        deleted = (await transactions.run((tx) => run(tx, FORGET, [particao]))).count
      }
      await write(geracao)
    },
  }
}

const pairOf = (row: PairRow): DayPair => ({
  comercianteId: row.comerciante_id,
  data: row.data,
  summed: {
    creditos: BigInt(row.creditos_c ?? 0),
    debitos: BigInt(row.debitos_c ?? 0),
    quantidade: row.quantidade_c ?? 0,
  },
  saldo:
    row.creditos === null
      ? undefined
      : {
          creditos: BigInt(row.creditos),
          debitos: BigInt(row.debitos ?? 0),
          quantidade: row.quantidade ?? 0,
          versao: row.versao ?? 0,
        },
})
