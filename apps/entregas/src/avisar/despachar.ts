import { createGroupCommit } from '@fluxo/shared/log/group-commit'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { createAlarme } from '../alarme.ts'
import { desfechoDe } from './avisar.ts'
import { desativarWebhook, podarAvisos, type Terminado, terminarAvisos } from './aviso-store.ts'
import { createCircuitos } from './circuitos.ts'
import type { Remetente } from './enviar.ts'
import { createLugares } from './lugares.ts'
import { metricasDeAvisos } from './metricas.ts'
import { ESPERAS_MS } from './prazo.ts'
import { type Feito, tentar } from './tentar.ts'
import { type Tomado, tomarAvisos } from './tomar-store.ts'

type DespacharDeps = {
  /** A pool for single statements. */
  sql: Sql
  remetente: Remetente
  agora: () => Date
  log: Logger
  registry: Registry
  /** The wait before each attempt, in ms. */
  esperasMs?: readonly number[] | undefined
  pollMs?: number
  /** How long a receiver rests that is unwell: as long as a delivery waits for its second attempt. */
  descansoMs?: number
}

type Despachante = {
  start: () => void
  /** Says that deliveries may be due. A hint: polling is the guarantee. */
  wake: () => void
  /** Ends after the attempts in hand, or gives them back where they take too long. */
  stop: () => Promise<void>
}

/** Attempts of one instance at once: each holds a socket and some 10 KB. */
const EM_VOO_MAX = 256
/** Of them one merchant's, whatever its receivers do. */
const POR_COMERCIANTE_MAX = 64
/** Taken of one webhook at a time, and the attempts of one above which no more are taken: a slow receiver holds 32 places at most. */
const POR_WEBHOOK = 16
/** Deliveries that others noted, or that are due again, are found this late at most. */
const POLL_MS = 250
/** The rest of a receiver where nothing is tried twice, and of a name that nobody resolves. */
const DESCANSO_MS = 30_000
/** Longest pause while the database is away. */
const BACKOFF_MAX_MS = 2_000
/** Attempts in hand get this long when the instance leaves; then they are given back. */
const DESPEDIDA_MS = 5_000
/** The log of deliveries goes back this far; what is older is deleted, this often and in pieces that hold nobody up. */
const GUARDA_DIAS = 30
const PODA_A_CADA_MS = 600_000
const PODA_MAX = 5_000

/** Sends what is due: takes deliveries, posts them, and notes what came of it, many in one statement. */
export function createDespachante(deps: DespacharDeps): Despachante {
  const { sql, log, pollMs = POLL_MS, esperasMs: esperas = ESPERAS_MS } = deps
  const descansoMs = deps.descansoMs ?? esperas[1] ?? DESCANSO_MS
  const stopping = new AbortController()
  const alarme = createAlarme()
  const mesa = createMesa({ ...deps, esperas, descansoMs }, alarme.tocar)

  let podarEm = performance.now() + PODA_A_CADA_MS * Math.random()
  const podar = async (): Promise<void> => {
    if (performance.now() < podarEm) return
    podarEm = performance.now() + PODA_A_CADA_MS
    await podarAvisos(sql, { dias: GUARDA_DIAS, quantos: PODA_MAX })
  }
  const correr = async (): Promise<void> => {
    let falhas = 0
    while (!stopping.signal.aborted) {
      try {
        const tomados = await mesa.rodada()
        await podar()
        if (falhas > 0) log.info({}, 'webhooks go on')
        falhas = 0
        if (tomados === 0) await alarme.esperar(pollMs, stopping.signal)
      } catch (error) {
        falhas += 1
        if (falhas === 1) log.warn({ err: error }, 'webhooks cannot go on for now')
        await alarme.esperar(Math.min(pollMs * 2 ** Math.min(falhas, 10), BACKOFF_MAX_MS), stopping.signal)
      }
    }
  }
  let running: Promise<void> | undefined
  const parar = async (): Promise<void> => {
    stopping.abort()
    await running
    await mesa.fechar()
  }
  let stopped: Promise<void> | undefined
  return {
    start: () => {
      running ??= correr()
    },
    wake: alarme.tocar,
    stop: () => {
      stopped ??= parar()
      return stopped
    },
  }
}

type MesaDeps = DespacharDeps & { esperas: readonly number[]; descansoMs: number }

/** The attempts under way: takes as many as there are places for, and notes what comes of each. */
function createMesa(deps: MesaDeps, tocar: () => void) {
  const { sql, log, registry, descansoMs } = deps
  const circuitos = createCircuitos({ registry, descansoMs })
  const lugares = createLugares({
    totalMax: EM_VOO_MAX,
    porComercianteMax: POR_COMERCIANTE_MAX,
    porWebhookMax: POR_WEBHOOK,
  })
  const metricas = metricasDeAvisos(registry, lugares.ocupados)
  const desistir = new AbortController()
  const emMaos = new Set<Promise<void>>()
  const livro = createGroupCommit<Terminado, true>({
    flush: async (feitos) => {
      await terminarAvisos(sql, feitos)
      return feitos.map(() => true)
    },
    keysOf: ({ id }) => [id],
  })

  const notar = async ({ webhookId }: Tomado, { terminado, descansar }: Feito): Promise<void> => {
    if (descansar) lugares.descansar(webhookId, performance.now() + descansoMs)
    metricas.feito(terminado)
    if (!terminado.devolver && terminado.situacao === 'delivered') lugares.acordar(webhookId)
    await livro.add(terminado)
    if (!terminado.devolver && desfechoDe(terminado) === 'desativar') {
      await desativarWebhook(sql, webhookId, 'O destino respondeu 410 (Gone).')
    }
  }
  const cuidar = async (aviso: Tomado): Promise<void> => {
    try {
      await notar(aviso, await tentar({ ...deps, circuitos }, aviso, desistir.signal))
    } catch (error) {
      // What is not noted is due again when the claim ends: at least once.
      log.warn({ err: error, aviso: aviso.id }, 'an attempt of a webhook could not be noted')
    }
    if (lugares.soltar(aviso)) tocar()
  }
  return {
    rodada: async (): Promise<number> => {
      const quantos = lugares.livres()
      if (quantos <= 0) return 0
      const exceto = lugares.impedidos(performance.now())
      const tomados = await tomarAvisos(sql, {
        quantos,
        porWebhook: POR_WEBHOOK,
        porComerciante: POR_COMERCIANTE_MAX,
        emVoo: lugares.porComerciante(),
        exceto,
      })
      for (const aviso of tomados) {
        lugares.ocupar(aviso)
        const cuidado = cuidar(aviso)
        emMaos.add(cuidado)
        void cuidado.finally(() => emMaos.delete(cuidado))
      }
      return tomados.length
    },
    fechar: async (): Promise<void> => {
      const fim = setTimeout(() => desistir.abort(), DESPEDIDA_MS)
      await Promise.all(emMaos)
      clearTimeout(fim)
      circuitos.close()
    },
  }
}
