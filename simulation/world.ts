import { Registry } from 'prom-client'
import { createClients } from './clients.ts'
import { type Consolidado, startConsolidado } from './consolidado.ts'
import { createFeedNetwork } from './feed-network.ts'
import { type Lancamentos, startLancamentos } from './lancamentos.ts'
import { createLedgerDatabase } from './ledger-database.ts'
import { createModel } from './model.ts'
import type { Plan } from './plan.ts'
import { createPostgresServer } from './postgres-server.ts'
import { createProcess, type Process } from './process.ts'
import { projectionStatements } from './projection-database.ts'
import { dayKey, type ProjectionState } from './projection-state.ts'
import { createRandom } from './random.ts'
import { SCRIPTS } from './redis-scripts.ts'
import { createRedisServer } from './redis-server.ts'
import { createScheduler } from './scheduler.ts'
import type { Seams } from './seams.ts'
import type { Servers } from './servers.ts'
import { venenoDe } from './veneno.ts'
import { createVersions } from './versions.ts'
import { createWire } from './wire.ts'

export type World = ReturnType<typeof createWorld>

const EPOCA = '0a0b0c0d-0000-4000-8000-000000000000'

/** The world of a plan at time 0: servers, model and clients, and no instance started yet. */
export function createWorld(plan: Plan, seams: Seams = {}) {
  const { seed, particoes, lanes, countMax, stableNames, tellsDeleted } = plan
  const scheduler = createScheduler()
  const randomOf = (stream: string) => createRandom(seed, stream)
  const ledger = createLedgerDatabase({ epoca: EPOCA, particoes, ...(seams.append && { append: seams.append }) })
  const model = createModel(ledger)
  const versions = createVersions()
  const projection: ProjectionState = {
    inbox: new Map(),
    days: new Map(),
    letters: new Map(),
    now: scheduler.now,
    onApplied: (taken) => {
      scheduler.note(`consolidado database  applies ${taken.particao}:${taken.posicao}`)
      model.applied(taken)
    },
    onDay: versions.add,
    onLetter: (letter) => {
      scheduler.note(`consolidado database  buries ${letter.particao}:${letter.posicao} (${letter.motivo})`)
      model.buried(letter)
    },
    failsInEffect: (id) => ledger.entries.some((entry) => entry.id === id && venenoDe(entry.valor) === 'efeito'),
  }
  const redisServer = createRedisServer({
    now: scheduler.now,
    after: (ms, run) => void scheduler.after(ms, run),
    tellsDeleted,
    scripts: { ...SCRIPTS, ...seams.scripts },
  })
  const instances = createInstances()
  const wire = createWire({ scheduler, kill: (process, ms) => instances.kill(process.instance, ms) })
  const feed = createFeedNetwork({ wire, random: randomOf('feed'), lancamentos: () => instances.lancamentos() })
  const postgres = (name: string, statements: Parameters<typeof createPostgresServer>[0]['statements']) =>
    createPostgresServer({ scheduler, random: randomOf(name), statements, slowestMs: plan.slowestMs })
  const servers: Servers = {
    wire,
    lancamentos: postgres('lancamentos', ledger.statements),
    consolidado: postgres('consolidado', projectionStatements(projection, seams.apply)),
    ledger,
    redisServer,
    feed: feed.ask,
    particoes,
    lanes,
    countMax,
    stableNames,
    seams,
    registry: new Registry(),
  }
  instances.open({ plan, scheduler, servers })
  const clients = createClients({
    scheduler,
    random: randomOf('clients'),
    model,
    lancamentos: instances.lancamentos,
    consolidado: instances.consolidadoNamed,
    wasOnce: ({ comerciante, data }, versao, body) => versions.has(dayKey(comerciante, data), versao, body),
  })
  return { plan, scheduler, servers, ledger, projection, model, instances, feed, clients }
}

type Life = { process: Process; service: Lancamentos | Consolidado; leaving: boolean }

/** The instances: each is one process at a time, and comes back after it was killed or has left. */
function createInstances() {
  const lives = new Map<string, Life>()
  const counts = new Map<string, number>()
  const calls = new Map<string, string[]>()
  let world: { plan: Plan; scheduler: World['scheduler']; servers: Servers } | undefined
  const start = (instance: string): void => {
    if (world === undefined || lives.has(instance)) return
    const { plan, scheduler, servers } = world
    const life = (counts.get(instance) ?? 0) + 1
    counts.set(instance, life)
    const faultAt = (what: string) => {
      const made = calls.get(instance) ?? []
      calls.set(instance, made)
      made.push(what)
      if (scheduler.now() > plan.loadMs) return undefined
      return plan.faults.find((fault) => fault.kind === 'step' && fault.instance === instance && isAt(fault, made))
    }
    const process = createProcess({
      scheduler,
      seed: plan.seed,
      instance,
      life,
      faultAt: (what) => stepOf(faultAt(what)),
    })
    scheduler.note(`${instance}  starts`)
    const begin = plan.lancamentos.includes(instance) ? startLancamentos : startConsolidado
    lives.set(instance, { process, service: begin(servers, process), leaving: false })
  }
  const end = (instance: string, ms: number): void => {
    lives.get(instance)?.process.kill()
    lives.delete(instance)
    world?.scheduler.after(ms, () => start(instance))
  }
  const all = () => [...lives.values()]
  const isConsolidado = (service: Life['service']): service is Consolidado => 'leitor' in service
  const consolidado = (): Consolidado[] => all().flatMap(({ service }) => (isConsolidado(service) ? service : []))
  return {
    open: (given: NonNullable<typeof world>) => {
      world = given
    },
    start,
    startAll: () => {
      for (const instance of [...(world?.plan.lancamentos ?? []), ...(world?.plan.consolidado ?? [])]) start(instance)
    },
    kill: (instance: string, ms: number) => {
      if (!lives.has(instance)) return
      world?.scheduler.note(`${instance}  is killed`)
      end(instance, ms)
    },
    leave: (instance: string, ms: number) => {
      const life = lives.get(instance)
      if (life === undefined) return
      world?.scheduler.note(`${instance}  leaves`)
      life.leaving = true
      void life.service.stop().then(() => {
        if (lives.get(instance) === life) end(instance, ms)
      })
    },
    named: (instance: string) => lives.get(instance),
    all,
    lancamentos: (): Lancamentos[] => all().flatMap(({ service }) => (isConsolidado(service) ? [] : service)),
    consolidado,
    consolidadoNamed: (instance: string) => consolidado().find(({ process }) => process.instance === instance),
    /** Whether all of them are there and at work. */
    complete: (): boolean =>
      lives.size === counts.size && all().every(({ process, leaving }) => !leaving && !process.paused()),
  }
}

const stepOf = (fault: Plan['faults'][number] | undefined) =>
  fault?.kind === 'step' ? { what: fault.what, ms: fault.ms } : undefined

/** Whether the last of the calls that were made is the one that the fault waits for. */
const isAt = ({ on, call }: { on: string; call: number }, made: readonly string[]): boolean =>
  made.at(-1)?.startsWith(on) === true && made.filter((what) => what.startsWith(on)).length === call
