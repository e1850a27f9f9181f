import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import type { DeadLetters } from '@fluxo/shared/follow/dead-letters'
import { passing } from '@fluxo/shared/follow/letter-store'
import type { Aplicado, Inbox, Recusa } from '@fluxo/shared/inbox/inbox'
import { applyIsolating } from '@fluxo/shared/inbox/isolate'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, type Registry } from '@fluxo/shared/telemetry/metrics'
import { traceIdOf } from '@fluxo/shared/telemetry/trace-context'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import type { BatchTrace } from '@fluxo/shared/telemetry/tracing-batch'
import { chaveDoSaldo, type Saldo, saldoJson } from '../domain/saldo.ts'
import type { Divergencias } from './divergencia.ts'
import type { Lancado } from './efeito.ts'
import { rastrear } from './rastro.ts'
import { type Origem, type Recebido, textoDe } from './recebido.ts'
import { lerDias } from './saldo-store.ts'
import { visibilidade } from './visibilidade.ts'

type ProjecaoDeps = {
  sql: Sql
  inbox: Inbox<Lancado, Saldo[]>
  cache: Pick<VersionedCache, 'setIfNewer'>
  cartas: Pick<DeadLetters, 'put'>
  divergencias: Divergencias
  /** The epoch of the ledger now. Rejects when the ledger is away. */
  epocaDoLog: (particao: number) => Promise<string>
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
}

export type Projecao = {
  /**
   * Applies events of one partition and writes the days that they touch to the cache. Resolves when all is durable or
   * dead-lettered, and for the stream's events the cache is up to date. Rejects when it cannot be done now (outage,
   * divergence): nothing is lost, give it again.
   */
  aplicar(particao: number, recebidos: readonly Recebido[], origem: Origem): Promise<void>
}

/** The projection: parse was before, ack is after; between them apply, cache, dead letters. */
export function createProjecao(deps: ProjecaoDeps): Projecao {
  const { inbox, divergencias, log, tracing } = deps
  const eventos = counter(deps.registry, {
    name: 'fluxo_projecao_eventos_total',
    help: 'Events that arrived at the projection, by what became of them.',
    labelNames: ['origem', 'desfecho'],
  })
  const visivel = visibilidade(deps.registry)

  const applyRows = async (particao: number, epoca: string, rows: readonly Lancado[]) => {
    const outcome = await inbox.apply({ particao, epoca, rows })
    if (outcome.outcome === 'aplicado') divergencias.andou(particao)
    else await recusado(deps, particao, epoca, outcome)
    return outcome
  }

  const projetar = async (particao: number, recebidos: readonly Recebido[], origem: Origem, rastro?: BatchTrace) => {
    const { porEpoca, mortos } = separar(recebidos)
    let algoNovo = false
    let cacheEmDia = true
    for (const [epoca, rows] of porEpoca) {
      const aplicado = rastro?.step('inbox apply')
      const { outcomes, poisoned } = await applyIsolating(rows, (some) => applyRows(particao, epoca, some))
      aplicado?.()
      for (const { row, motivo } of poisoned) {
        const recebido = recebidos.find(({ posicao }) => posicao === row.posicao)
        if (recebido) mortos.push({ recebido, motivo })
      }
      const aplicados = outcomes.filter((outcome): outcome is Aplicado<Saldo[]> => outcome.outcome === 'aplicado')
      const escrito = rastro?.step('cache write')
      cacheEmDia = (await escreverCache(deps, rows, aplicados)) && cacheEmDia
      escrito?.()
      for (const { novos, repetidos } of aplicados) {
        algoNovo ||= novos > 0
        eventos.inc({ origem, desfecho: 'novo' }, novos)
        eventos.inc({ origem, desfecho: 'repetido' }, repetidos)
      }
      eventos.inc({ origem, desfecho: 'epoca-antiga' }, outcomes.length === aplicados.length ? 0 : rows.length)
    }
    if (algoNovo) visivel(recebidos, origem)
    if (mortos.length > 0) await enterrar(deps, particao, mortos, origem)
    eventos.inc({ origem, desfecho: 'morto' }, mortos.length)
    if (log.isLevelEnabled('debug')) logTraces(log, particao, recebidos)
    if (!cacheEmDia && origem === 'stream') throw new CacheAtrasado()
  }
  if (tracing === undefined) return { aplicar: projetar }
  return {
    aplicar: async (particao, recebidos, origem) => {
      const rastro = rastrear(tracing, particao, recebidos, origem)
      try {
        await projetar(particao, recebidos, origem, rastro)
        rastro?.end()
      } catch (error) {
        rastro?.end(error)
        throw error
      }
    },
  }
}

type Morto = { recebido: Recebido; motivo: string }

/** Readable events by their epoch, nearly always one, and the others. */
function separar(recebidos: readonly Recebido[]) {
  const porEpoca = new Map<string, Lancado[]>()
  const mortos: Morto[] = []
  for (const recebido of recebidos) {
    const { lido } = recebido
    if (!lido.ok) {
      mortos.push({ recebido, motivo: lido.motivo })
      continue
    }
    const rows = porEpoca.get(lido.epoca)
    if (rows === undefined) porEpoca.set(lido.epoca, [lido.lancado])
    else rows.push(lido.lancado)
  }
  return { porEpoca, mortos }
}

/**
 * A refusal of the inbox. Events of a log that is no more (left in a stream after a restore and a rebuild) are dropped
 * once the ledger itself says that the projection follows the living one; anything else stops the partition.
 */
async function recusado(deps: ProjecaoDeps, particao: number, epoca: string, recusa: Recusa): Promise<void> {
  const { inbox, divergencias, epocaDoLog, log } = deps
  if (recusa.outcome === 'epoca-divergente' && (await epocaDoLog(particao)) === recusa.epoca) {
    log.warn({ particao, epoca }, 'events of a log that is no more are dropped')
    return
  }
  const motivo = recusa.divergente ?? recusa.outcome
  if (recusa.outcome === 'id-divergente') await inbox.stop(particao, motivo)
  throw divergencias.parou(particao, motivo)
}

/**
 * The cache could not be written. A delivery that was acknowledged all the same would leave the old day in it, for all
 * instances and for an hour, if this process died before it had repeated the write.
 */
class CacheAtrasado extends Error {
  constructor() {
    super('the cache could not be written')
    this.name = 'CacheAtrasado'
  }
}

/**
 * Writes through what was touched, and says whether that was done. Days of repeated events are read and written as well: the attempt that applied them
 * may have died between commit and cache. In a statement of its own, whose snapshot is newer than that commit.
 */
async function escreverCache(
  { sql, cache }: ProjecaoDeps,
  rows: readonly Lancado[],
  aplicados: readonly Aplicado<Saldo[]>[],
): Promise<boolean> {
  const saldos = aplicados.flatMap(({ touched }) => touched ?? [])
  if (aplicados.some(({ repetidos }) => repetidos > 0)) {
    const escritos = new Set(saldos.map(({ comercianteId, data }) => chaveDoSaldo(comercianteId, data)))
    const outros = new Map(rows.map((row) => [chaveDoSaldo(row.comercianteId, row.data), row]))
    for (const chave of escritos) outros.delete(chave)
    if (outros.size > 0) saldos.push(...(await lerDias(sql, [...outros.values()])))
  }
  return saldos.length === 0 || cache.setIfNewer(saldos.map(entradaDeCache))
}

/** A balance as it is cached: the answer's body under the day's key and version. */
export const entradaDeCache = (saldo: Saldo) => ({
  key: chaveDoSaldo(saldo.comercianteId, saldo.data),
  versao: saldo.versao,
  body: saldoJson(saldo),
})

/**
 * Dead-letters what cannot be applied. Only the ledger's own word lets the watermark pass such a position: what a stream
 * delivers may be damaged or a fake, so from there the position stays a hole, and repair asks the feed about it.
 */
async function enterrar({ cartas, inbox }: ProjecaoDeps, particao: number, mortos: readonly Morto[], origem: Origem) {
  for (const { recebido, motivo } of mortos) {
    const { posicao, tentativas } = recebido
    await cartas.put({ particao, posicao, body: textoDe(recebido), motivo, tentativas })
  }
  if (origem === 'stream') return
  const rows = mortos.map(({ recebido }) => ({ posicao: recebido.posicao, id: null }))
  await inbox.pass({ particao, epoca: null, rows }, passing())
}

/** Ties the projection of an event to the request that made its row (W3C trace context). */
function logTraces(log: Logger, particao: number, recebidos: readonly Recebido[]): void {
  for (const { posicao, lido } of recebidos) {
    if (!lido.ok || lido.traceparent === undefined) continue
    log.debug({ particao, posicao, traceId: traceIdOf(lido.traceparent) }, 'projected')
  }
}
