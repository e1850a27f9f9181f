import type { Clock } from '@fluxo/shared/clock'
import { passAbsent } from '@fluxo/shared/follow/letter-store'
import type { Inbox } from '@fluxo/shared/inbox/inbox'
import type { Lease } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import { createRepair, type Repair } from '@fluxo/shared/repair/repair'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, type Registry } from '@fluxo/shared/telemetry/metrics'
import type { Saldo } from '../domain/saldo.ts'
import type { Divergencias } from '../projetar/divergencia.ts'
import type { Lancado } from '../projetar/efeito.ts'
import { lerEvento } from '../projetar/ler-evento.ts'
import type { Projecao } from '../projetar/projecao.ts'

/** Keys of the lease: the kind of work, and one for all partitions, since one instance repairs them all. */
export const REPARO_LOCK = [7_264_202, 0] as const

type ReparoDeps = {
  sql: Sql
  lease: Lease
  feed: FeedClient
  inbox: Inbox<Lancado, Saldo[]>
  projecao: Projecao
  divergencias: Divergencias
  particoes: number
  redisUp: () => boolean
  graceMs?: number
  everyMs?: number
  headEveryMs?: number
  clock?: Clock
  log: Logger
  registry: Registry
}

/** The consolidado's repair: pulls through the same projection, and stops a partition whose ledger was exchanged. */
export function createReparo(deps: ReparoDeps): Repair {
  const { sql, inbox, projecao, divergencias, log, registry } = deps
  const faltas = counter(registry, {
    name: 'fluxo_repair_absent_total',
    help: 'Positions that the ledger does not have below its head: its counter was moved by hand.',
    labelNames: ['particao'],
  })
  const avisadas = new Set<string>()

  return createRepair({
    ...deps,
    name: 'consolidado',
    marcas: () => inbox.marcas(),
    aplicar: (particao, eventos) => {
      const recebidos = eventos.map(({ posicao, evento }) => ({
        posicao,
        tentativas: 1,
        lido: lerEvento(posicao, evento),
        evento,
      }))
      return projecao.aplicar(particao, recebidos, 'feed')
    },
    // The ledger has nothing there: what a stream delivered under such a position and is kept as a letter, is passed over.
    ausentes: async (particao, posicoes) => {
      const cartas = await passAbsent({ sql, inbox }, particao, posicoes)
      const chave = `${particao}:${posicoes[0]}`
      if (cartas.length === posicoes.length || avisadas.has(chave)) return
      avisadas.add(chave)
      faltas.inc({ particao: String(particao) }, posicoes.length - cartas.length)
      log.error({ particao, primeira: posicoes[0], quantidade: posicoes.length }, 'the ledger lacks positions')
    },
    divergencia: async (particao, motivo) => {
      if (motivo === undefined) return divergencias.andou(particao)
      // Another epoch is refused by every apply anyway, and ends by itself if the right ledger returns.
      if (motivo !== 'epoca-divergente') await inbox.stop(particao, motivo)
      divergencias.parou(particao, motivo)
    },
  })
}
