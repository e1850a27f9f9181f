import { type Clock, systemClock } from '../clock.ts'
import type { Marca } from '../inbox/marca.ts'
import type { Lease } from '../postgres/lease.ts'
import type { Logger } from '../telemetry/logger.ts'
import { counter, gauge, type Registry } from '../telemetry/metrics.ts'
import { ausentesDe, decidirReparo, divergenciaDe, type Faixa } from './decidir-reparo.ts'
import type { EventoDoFeed, FeedClient, FeedPage } from './feed-client.ts'

type RepairDeps = {
  /** Who repairs, as the metrics call it. */
  name: string
  /** One instance repairs; the others stand by. */
  lease: Lease
  feed: FeedClient
  /** How far each partition is applied. */
  marcas: () => Promise<Marca[]>
  particoes: number
  /** Whether the stream can bring anything. */
  redisUp: () => boolean
  /** Applies events of the log through the same door as the stream's. */
  aplicar: (particao: number, eventos: readonly EventoDoFeed[]) => Promise<void>
  /** Told positions that the log does not have below its head. */
  ausentes: (particao: number, posicoes: readonly number[]) => Promise<void>
  /** Told that the ledger is another one, or tells another history; `undefined` when it fits. */
  divergencia: (particao: number, motivo: string | undefined) => Promise<void>
  graceMs?: number | undefined
  everyMs?: number | undefined
  headEveryMs?: number | undefined
  log: Logger
  registry: Registry
  clock?: Clock | undefined
}

export type Repair = {
  /** Begins in the background. */
  start(): void
  /** Ends after the pull in hand. */
  stop(): Promise<void>
}

/** Longer than any batch takes from commit to commit; API.md promises repair in seconds. */
const GRACE_MS = 2_000
/** The pace of the only path while Redis is away: a quarter of a second behind, plus a pull. */
const EVERY_MS = 250
/** Finds a lost tail, and a log that was exchanged, within a second. */
const HEAD_EVERY_MS = 1_000
/** As many as a consumer's batch or two: the partition's lock is never held for long. */
const PAGE_MAX = 1_000
/** Longest pause while the ledger is away. */
const BACKOFF_MAX_MS = 5_000

type Estado = {
  aplicadaAte: number
  paradaDesde: number | undefined
  cabeca: number
  cabecaVistaEm: number | undefined
}

/**
 * The pull path: what the stream does not bring is fetched from the ledger's feed and applied through the same inbox.
 *
 * It asks each partition every `everyMs` what to do (`decidirReparo`) and does it. A ledger that is away is asked less
 * often, with one log line per change. Nothing here need be exact: the inbox dedupes.
 */
export function createRepair(deps: RepairDeps): Repair {
  const { lease, everyMs = EVERY_MS, log, clock = systemClock } = deps
  showLease(deps)
  let running: Promise<void> | undefined

  const work = async (signal: AbortSignal): Promise<void> => {
    const round = createRound(deps, signal)
    let failures = 0
    while (!signal.aborted) {
      try {
        await round()
        if (failures > 0) log.info({}, 'repair goes on')
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        if (failures === 1) log.warn({ err: error }, 'repair cannot go on for now')
      }
      const pause = Math.min(everyMs * 2 ** Math.min(failures, 10), Math.max(everyMs, BACKOFF_MAX_MS))
      await clock.delay(pause, signal).catch(() => {})
    }
  }
  return {
    start: () => {
      running ??= lease.whileHeld(work)
    },
    stop: async () => {
      await lease.stop()
      await running
    },
  }
}

/** The leases of the repairs of a process, by name: several share the metric of one registry. */
const leasesOf = new WeakMap<Registry, Map<string, Lease>>()

function showLease({ registry, name, lease }: RepairDeps): void {
  const known = leasesOf.get(registry)
  if (known !== undefined) return void known.set(name, lease)
  const leases = new Map([[name, lease]])
  leasesOf.set(registry, leases)
  gauge(registry, {
    name: 'fluxo_repair_lease',
    help: '1 where this instance holds the lease of repair.',
    labelNames: ['repair'],
    collect() {
      for (const [repair, held] of leases) this.set({ repair }, held.held() ? 1 : 0)
    },
  })
}

/** One round over all partitions. What it remembers is forgotten with the lease: the next holder sees for itself. */
function createRound(deps: RepairDeps, signal: AbortSignal): () => Promise<void> {
  const { feed, redisUp, clock = systemClock } = deps
  const { graceMs = GRACE_MS, headEveryMs = HEAD_EVERY_MS } = deps
  const pulled = counter(deps.registry, {
    name: 'fluxo_repair_pulled_total',
    help: 'Events pulled from the feed, by why.',
    labelNames: ['motivo'],
  })
  const estados = new Map<number, Estado>()

  /** Reads one page and compares it with what was applied; undefined where it is another log's. */
  const ask = async (marca: Marca, depoisDe: number, limite: number): Promise<FeedPage | undefined> => {
    const page = await feed.page({ particao: marca.particao, depoisDe, limite, signal })
    const motivo = divergenciaDe(marca, page)
    await deps.divergencia(marca.particao, motivo)
    return motivo === undefined ? page : undefined
  }
  const verCabeca = async (marca: Marca, estado: Estado) => {
    const page = await ask(marca, Math.max(0, marca.ultimaPosicao - 1), 1)
    estado.cabecaVistaEm = clock.now()
    if (page !== undefined) estado.cabeca = page.ultima
  }
  const puxar = async (marca: Marca, estado: Estado, motivo: string, { depoisDe, ate }: Faixa) => {
    let last = depoisDe
    while (!signal.aborted && (ate === undefined || last < ate)) {
      const limite = Math.min(PAGE_MAX, (ate ?? Number.MAX_SAFE_INTEGER) - last)
      // With the last known event before what is new: a log that was restored and has grown past it is told by its id.
      const conhecidos = last > 0 && last === marca.ultimaPosicao ? 1 : 0
      const page = await ask(marca, last - conhecidos, limite + conhecidos)
      if (page === undefined) return
      estado.cabeca = page.ultima
      estado.cabecaVistaEm = clock.now()
      const desde = last
      const eventos = page.eventos.filter(({ posicao }) => posicao > desde)
      const ausentes = ausentesDe(
        last,
        eventos.map(({ posicao }) => posicao),
      )
      if (ausentes.length > 0) await deps.ausentes(marca.particao, ausentes)
      if (eventos.length > 0) await deps.aplicar(marca.particao, eventos)
      pulled.inc({ motivo }, eventos.length)
      last = eventos.at(-1)?.posicao ?? last
      if (eventos.length < limite) return
    }
  }
  return async () => {
    const agora = clock.now()
    for (const marca of await deps.marcas()) {
      if (signal.aborted || marca.particao >= deps.particoes) return
      if (marca.divergente !== null) {
        await deps.divergencia(marca.particao, marca.divergente)
        continue
      }
      const estado = observar(estados.get(marca.particao), marca, agora)
      estados.set(marca.particao, estado)
      const { aplicadaAte, buracos } = marca
      const { paradaDesde, cabecaVistaEm } = estado
      const situacao = { agora, redisUp: redisUp(), aplicadaAte, buracos, paradaDesde, cabecaVistaEm }
      const reparo = decidirReparo({ ...situacao, graceMs, headEveryMs })
      if (reparo.acao === 'ver-cabeca') await verCabeca(marca, estado)
      if (reparo.acao === 'puxar') for (const faixa of reparo.faixas) await puxar(marca, estado, reparo.motivo, faixa)
    }
  }
}

/** Since when does the partition stand still with something missing? Any movement of the watermark starts the count anew. */
function observar(antes: Estado | undefined, { aplicadaAte, buracos }: Marca, agora: number): Estado {
  const { cabeca = 0, cabecaVistaEm } = antes ?? {}
  const falta = buracos.length > 0 || cabeca > aplicadaAte
  const moveu = antes?.aplicadaAte !== aplicadaAte
  const desde = moveu ? agora : (antes?.paradaDesde ?? agora)
  return { aplicadaAte, cabeca, cabecaVistaEm, paradaDesde: falta ? desde : undefined }
}
