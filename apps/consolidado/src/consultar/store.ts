import { type Clock, systemClock } from '@fluxo/shared/clock'
import { isInfrastructure } from '@fluxo/shared/postgres/failure'
import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { type Sql, withDeadline } from '@fluxo/shared/postgres/sql'
import { run, type Statement, statement } from '@fluxo/shared/postgres/statement'
import { createQueues } from '@fluxo/shared/queues'
import type { Policy } from '@fluxo/shared/resilience/policy'
import { isRejection } from '@fluxo/shared/resilience/rejection'
import { emptySaldo, type Saldo } from '../domain/saldo.ts'
import { createAvailability } from './availability.ts'
import type { DaySum } from './consultar.ts'

export type BalanceReadStore = {
  /** One day of one merchant as projected now; zeros where there is none. */
  readDay(comercianteId: string, data: string, signal?: AbortSignal): Promise<Saldo>
  /** The days with entries from `de` to `ate`, both included, and the balance (cents) of all before: one snapshot. */
  readPeriod(comercianteId: string, de: string, ate: string, signal?: AbortSignal): Promise<PeriodReading>
  /** Whether PostgreSQL answers, without asking it for each call. */
  isAvailable(): boolean | Promise<boolean>
}

type PeriodReading = { openingSaldo: bigint; days: DaySum[] }

type BalanceReadStoreDeps = {
  /** A pool of `READ_SETTINGS`; its `statementTimeoutMs` should be `READ_LIMITS.attemptTimeoutMs`. */
  sql: Sql
  /** Bulkhead, retry and breaker of these reads; see `READ_LIMITS`. */
  policy: Policy
  clock?: Clock
}

/**
 * Limits for `createPolicy`. Reads travel pipelined, so 64 at once keep a few connections busy; 512 more wait some
 * 10 ms each at worst. Reads may be repeated: one retry covers a connection that was lost in between.
 */
export const READ_LIMITS = {
  deadlineMs: 2_000,
  bulkhead: { max: 64, queueMax: 512 },
  retry: { attemptsMax: 2, baseMs: 20, maxMs: 100 },
  attemptTimeoutMs: 1_000,
}

/** Of these, one merchant's at a time: half of what may be under way, and the rest waits in front of what all wait in. */
const READS_OF_ONE = { ownerMax: 32, waitingMax: 1_000 }

/** Settings of the pool for these reads: a role under row-level security (docs/decisions/0011), and plans made once. */
export const READ_SETTINGS = { role: 'consolidado_leitura', plan_cache_mode: 'force_generic_plan' }

const PROBE = statement('pool.probe', 'select 1')
/** A probe that takes longer says the same as one that fails. */
const PROBE_MAX_MS = 1_000

/** Whether PostgreSQL was away or overloaded, rather than the statement wrong. */
export const isAway = (error: unknown): boolean => isRejection(error) || isInfrastructure(error)

/**
 * Stops waiting for `query` when `signal` aborts; the server ends it by the pool's `statement_timeout`.
 *
 * Never by `query.cancel()`. postgres.js 3.4.9 takes a cancelled query that is merely pipelined out of its list although
 * its reply still comes, and every later caller on the connection then gets the rows of another one's query (tried: the
 * fourth query resolved with the third's). One that waits for a reconnect blocks its connection for ever. And one that
 * is being executed is cancelled by a message of its own, which may come late and hit the next.
 */
const abandonable = async <T>(query: Promise<T>, signal: AbortSignal): Promise<T> => {
  const abandoned = Promise.withResolvers<never>()
  const giveUp = () => abandoned.reject(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([query, abandoned.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

type DayRow = {
  geracao: number
  creditos: string | null
  debitos: string
  quantidade: number
  versao: number
  atualizado_em: string
}
type PeriodRow = { data: string | null; creditos: string; debitos: string; quantidade: number }

/**
 * The generation that readers see (`projecao`) is read in the same statement as the row, so a rebuild that swaps
 * meanwhile is either not seen at all or seen whole. A day without a row still answers its generation, which dates the
 * absence: zeros of this generation are newer than any row of the one before, and older than any row of their own.
 */
const DAY = statement(
  'balances.read-day',
  ownRows(`
  select p.geracao, s.creditos, s.debitos, s.quantidade::float8 as quantidade, s.versao::float8 as versao,
         to_char(s.atualizado_em at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as atualizado_em
    from projecao p
    left join saldo s on s.geracao = p.geracao and s.comerciante_id = $1 and s.data = $2::date
   where p.id = 1`),
)

/** One statement, hence one snapshot: first the sum of all days before `de` (`data` null), then each day with entries. */
const PERIOD = statement(
  'balances.read-period',
  ownRows(`
  with visivel as materialized (select geracao from projecao where id = 1)
  select null::date as data, coalesce(sum(s.creditos), 0) as creditos, coalesce(sum(s.debitos), 0) as debitos,
         0::float8 as quantidade
    from saldo s
   where s.geracao = (select geracao from visivel) and s.comerciante_id = $1 and s.data < $2::date
  union all
  select s.data, s.creditos, s.debitos, s.quantidade::float8
    from saldo s
   where s.geracao = (select geracao from visivel) and s.comerciante_id = $1 and s.data between $2::date and $3::date
   order by data nulls first`),
)

/** Reads of the projection. Rejects with a `Rejection` or a database error; `isAway` tells which mean "not now". */
export const createBalanceReadStore = ({
  sql,
  policy,
  clock = systemClock,
}: BalanceReadStoreDeps): BalanceReadStore => {
  const { now, report } = createAvailability({
    probe: () =>
      withDeadline(
        run(sql, PROBE).then(() => true),
        PROBE_MAX_MS,
        clock,
      ),
    clock: clock.now,
  })
  const queues = createQueues(READS_OF_ONE)
  const read = async <Row extends object>(
    question: Statement,
    values: readonly [comercianteId: string, ...valores: string[]],
    signal?: AbortSignal,
  ) => {
    const query = () => run<Row>(sql, question, [...values])
    try {
      const rows = await queues.run(values[0], () => policy.execute((attempt) => abandonable(query(), attempt), signal))
      report(true)
      return rows
    } catch (error) {
      // A full bulkhead is about us, not about PostgreSQL.
      if (isAway(error) && !isRejection(error, 'bulkhead-full')) report(false)
      throw error
    }
  }

  return {
    isAvailable: now,
    readDay: async (comercianteId, data, signal) => {
      const [row] = await read<DayRow>(DAY, [comercianteId, data], signal)
      const geracao = row?.geracao ?? 0
      if (row === undefined || row.creditos === null) return emptySaldo(comercianteId, data, geracao)
      return {
        comercianteId,
        data,
        creditos: BigInt(row.creditos),
        debitos: BigInt(row.debitos),
        quantidade: row.quantidade,
        versao: row.versao,
        atualizadoEm: row.atualizado_em,
      }
    },
    readPeriod: async (comercianteId, de, ate, signal) => {
      const [before, ...days] = await read<PeriodRow>(PERIOD, [comercianteId, de, ate], signal)
      return {
        openingSaldo: before ? BigInt(before.creditos) - BigInt(before.debitos) : 0n,
        days: days.map(({ data, creditos, debitos, quantidade }) => {
          return { data: data ?? '', creditos: BigInt(creditos), debitos: BigInt(debitos), quantidade }
        }),
      }
    },
  }
}
