import { Registry } from 'prom-client'
import { createRandom } from '../../stage/random.ts'
import { createInstances } from '../instances.ts'
import { createScheduler } from '../scheduler.ts'
import { createFeedNetwork } from '../servers/feed-network.ts'
import { createLedgerDatabase } from '../servers/ledger-database.ts'
import { createPostgresServer } from '../servers/postgres-server.ts'
import { projectionStatements } from '../servers/projection-database.ts'
import { dayKey, type ProjectionState } from '../servers/projection-state.ts'
import { SCRIPTS } from '../servers/redis-scripts.ts'
import { createRedisServer } from '../servers/redis-server.ts'
import { createWire } from '../servers/wire.ts'
import { createClients } from './clients.ts'
import { type Consolidado, startConsolidado } from './consolidado.ts'
import { type Lancamentos, startLancamentos } from './lancamentos.ts'
import { createModel } from './model.ts'
import type { Plan } from './plan.ts'
import { poisonOf } from './poison.ts'
import type { Seams } from './seams.ts'
import type { Servers } from './servers.ts'
import { createVersions } from './versions.ts'

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
    failsInEffect: (id) => ledger.entries.some((entry) => entry.id === id && poisonOf(entry.valor) === 'efeito'),
  }
  const redisServer = createRedisServer({
    now: scheduler.now,
    after: (ms, run) => void scheduler.after(ms, run),
    tellsDeleted,
    scripts: { ...SCRIPTS, ...seams.scripts },
  })
  const instances = createBooksInstances()
  const wire = createWire({ scheduler, kill: (process, ms) => instances.kill(process.instance, ms) })
  const feed = createFeedNetwork({ wire, random: randomOf('feed'), sources: () => instances.lancamentos() })
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
  instances.open({
    plan,
    scheduler,
    names: [...plan.lancamentos, ...plan.consolidado],
    begin: (instance, process) =>
      plan.lancamentos.includes(instance) ? startLancamentos(servers, process) : startConsolidado(servers, process),
  })
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

/** The instances of both services, told apart. */
function createBooksInstances() {
  const instances = createInstances<Lancamentos | Consolidado>()
  const isConsolidado = (service: Lancamentos | Consolidado): service is Consolidado => 'leitor' in service
  const consolidado = (): Consolidado[] => instances.services().filter(isConsolidado)
  return {
    ...instances,
    lancamentos: (): Lancamentos[] => instances.services().flatMap((one) => (isConsolidado(one) ? [] : one)),
    consolidado,
    consolidadoNamed: (instance: string) => consolidado().find(({ process }) => process.instance === instance),
  }
}
