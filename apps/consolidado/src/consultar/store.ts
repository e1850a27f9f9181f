import { type Clock, systemClock } from '@fluxo/shared/clock'
import { createLines } from '@fluxo/shared/lines'
import { isInfrastructure } from '@fluxo/shared/postgres/failure'
import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { type Sql, withDeadline } from '@fluxo/shared/postgres/sql'
import type { Policy } from '@fluxo/shared/resilience/policy'
import { isRejection } from '@fluxo/shared/resilience/rejection'
import { type Saldo, saldoVazio } from '../domain/saldo.ts'
import type { DiaSomado } from './consultar.ts'
import { createDisponibilidade } from './disponibilidade.ts'

export type ConsultaStore = {
  /** One day of one merchant as projected now; zeros where there is none. */
  lerDia(comercianteId: string, data: string, signal?: AbortSignal): Promise<Saldo>
  /** The days with entries from `de` to `ate`, both included, and the balance (cents) of all before: one snapshot. */
  lerPeriodo(comercianteId: string, de: string, ate: string, signal?: AbortSignal): Promise<PeriodoLido>
  /** Whether PostgreSQL answers, without asking it for each call. */
  disponivel(): boolean | Promise<boolean>
}

type PeriodoLido = { saldoInicial: bigint; dias: DiaSomado[] }

type ConsultaStoreDeps = {
  /** A pool of `LEITURA_SETTINGS`; its `statementTimeoutMs` should be `LIMITES_DA_CONSULTA.attemptTimeoutMs`. */
  sql: Sql
  /** Bulkhead, retry and breaker of these reads; see `LIMITES_DA_CONSULTA`. */
  policy: Policy
  clock?: Clock
}

/**
 * Limits for `createPolicy`. Reads travel pipelined, so 64 at once keep a few connections busy; 512 more wait some
 * 10 ms each at worst. Reads may be repeated: one retry covers a connection that was lost in between.
 */
export const LIMITES_DA_CONSULTA = {
  deadlineMs: 2_000,
  bulkhead: { max: 64, queueMax: 512 },
  retry: { attemptsMax: 2, baseMs: 20, maxMs: 100 },
  attemptTimeoutMs: 1_000,
}

/** Of these, one merchant's at a time: half of what may be under way, and the rest waits in front of what all wait in. */
const LEITURAS_DE_UM = { ownerMax: 32, waitingMax: 1_000 }

/** Settings of the pool for these reads: a role under row-level security (docs/decisions/0011), and plans made once. */
export const LEITURA_SETTINGS = { role: 'consolidado_leitura', plan_cache_mode: 'force_generic_plan' }

/** A probe that takes longer says the same as one that fails. */
const SONDA_LIMITE_MS = 1_000

/** Whether PostgreSQL was away or overloaded, rather than the statement wrong. */
export const foraDoAr = (error: unknown): boolean => isRejection(error) || isInfrastructure(error)

/**
 * Stops waiting for `query` when `signal` aborts; the server ends it by the pool's `statement_timeout`.
 *
 * Never by `query.cancel()`. postgres.js 3.4.9 takes a cancelled query that is merely pipelined out of its list although
 * its reply still comes, and every later caller on the connection then gets the rows of another one's query (tried: the
 * fourth query resolved with the third's). One that waits for a reconnect blocks its connection for ever. And one that
 * is being executed is cancelled by a message of its own, which may come late and hit the next.
 */
const abandonavel = async <T>(query: Promise<T>, signal: AbortSignal): Promise<T> => {
  const desistencia = Promise.withResolvers<never>()
  const desistir = () => desistencia.reject(signal.reason)
  signal.addEventListener('abort', desistir, { once: true })
  try {
    return await Promise.race([query, desistencia.promise])
  } finally {
    signal.removeEventListener('abort', desistir)
  }
}

type LinhaDoDia = {
  geracao: number
  creditos: string | null
  debitos: string
  quantidade: number
  versao: number
  atualizado_em: string
}
type LinhaDoPeriodo = { data: string | null; creditos: string; debitos: string; quantidade: number }

/**
 * The generation that readers see (`projecao`) is read in the same statement as the row, so a rebuild that swaps
 * meanwhile is either not seen at all or seen whole. A day without a row still answers its generation, which dates the
 * absence: zeros of this generation are newer than any row of the one before, and older than any row of their own.
 */
const DIA = ownRows(`
  select p.geracao, s.creditos, s.debitos, s.quantidade::float8 as quantidade, s.versao::float8 as versao,
         to_char(s.atualizado_em at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as atualizado_em
    from projecao p
    left join saldo s on s.geracao = p.geracao and s.comerciante_id = $1 and s.data = $2::date
   where p.id = 1`)

/** One statement, hence one snapshot: first the sum of all days before `de` (`data` null), then each day with entries. */
const PERIODO = ownRows(`
  with visivel as materialized (select geracao from projecao where id = 1)
  select null::date as data, coalesce(sum(s.creditos), 0) as creditos, coalesce(sum(s.debitos), 0) as debitos,
         0::float8 as quantidade
    from saldo s
   where s.geracao = (select geracao from visivel) and s.comerciante_id = $1 and s.data < $2::date
  union all
  select s.data, s.creditos, s.debitos, s.quantidade::float8
    from saldo s
   where s.geracao = (select geracao from visivel) and s.comerciante_id = $1 and s.data between $2::date and $3::date
   order by data nulls first`)

/** Reads of the projection. Rejects with a `Rejection` or a database error; `foraDoAr` tells which mean "not now". */
export const createConsultaStore = ({ sql, policy, clock = systemClock }: ConsultaStoreDeps): ConsultaStore => {
  const { agora, informar } = createDisponibilidade({
    // `then` leaves a plain promise, without the `cancel` that `abandonavel` forbids.
    sondar: () =>
      withDeadline(
        sql`select 1`.then(() => true),
        SONDA_LIMITE_MS,
        clock,
      ),
    relogio: clock.now,
  })
  const filas = createLines(LEITURAS_DE_UM)
  const ler = async <Linha extends object>(
    texto: string,
    valores: readonly [comercianteId: string, ...valores: string[]],
    signal?: AbortSignal,
  ) => {
    const query = () => sql.unsafe<Linha[]>(texto, [...valores], { prepare: true })
    try {
      const linhas = await filas.run(valores[0], () =>
        policy.execute((tentativa) => abandonavel(query(), tentativa), signal),
      )
      informar(true)
      return linhas
    } catch (error) {
      // A full bulkhead is about us, not about PostgreSQL.
      if (foraDoAr(error) && !isRejection(error, 'bulkhead-full')) informar(false)
      throw error
    }
  }

  return {
    disponivel: agora,
    lerDia: async (comercianteId, data, signal) => {
      const [linha] = await ler<LinhaDoDia>(DIA, [comercianteId, data], signal)
      const geracao = linha?.geracao ?? 0
      if (linha === undefined || linha.creditos === null) return saldoVazio(comercianteId, data, geracao)
      return {
        comercianteId,
        data,
        creditos: BigInt(linha.creditos),
        debitos: BigInt(linha.debitos),
        quantidade: linha.quantidade,
        versao: linha.versao,
        atualizadoEm: linha.atualizado_em,
      }
    },
    lerPeriodo: async (comercianteId, de, ate, signal) => {
      const [antes, ...dias] = await ler<LinhaDoPeriodo>(PERIODO, [comercianteId, de, ate], signal)
      return {
        saldoInicial: antes ? BigInt(antes.creditos) - BigInt(antes.debitos) : 0n,
        dias: dias.map(({ data, creditos, debitos, quantidade }) => {
          return { data: data ?? '', creditos: BigInt(creditos), debitos: BigInt(debitos), quantidade }
        }),
      }
    },
  }
}
