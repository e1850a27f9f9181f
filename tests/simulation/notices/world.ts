import { Registry } from 'prom-client'
import { AVISOS_GROUP } from '../../../apps/avisos/src/logs/pedidos.ts'
import { FLUXO_GROUP } from '../../../apps/entregas/src/fluir/group.ts'
import { createRandom } from '../../stage/random.ts'
import { createInstances } from '../instances.ts'
import { createClients } from '../orders/clients.ts'
import { type Entregas, startEntregas } from '../orders/entregas.ts'
import { applyStatements } from '../orders/follower-statements.ts'
import { createModel } from '../orders/model.ts'
import { ordersStatements } from '../orders/orders-database.ts'
import { type EventRow, emptyOrders } from '../orders/orders-state.ts'
import { createScheduler } from '../scheduler.ts'
import { createFeedNetwork } from '../servers/feed-network.ts'
import { createPostgresServer, type Statement } from '../servers/postgres-server.ts'
import { inboxStatements } from '../servers/projection-readings.ts'
import type { Letter } from '../servers/projection-state.ts'
import { SCRIPTS } from '../servers/redis-scripts.ts'
import { createRedisServer } from '../servers/redis-server.ts'
import { createWire } from '../servers/wire.ts'
import { type Avisos, startAvisos } from './avisos.ts'
import { deliveryStatements } from './delivery-statements.ts'
import { noting } from './note-statement.ts'
import { addWebhook, createBackup, emptyNotices, hookId, type NoticeRow, uuid } from './notices-state.ts'
import type { Hook, NoticesPlan } from './plan.ts'
import { createReceivers, urlOf } from './receivers.ts'
import { createResumes } from './resumes.ts'
import type { Seams } from './seams.ts'
import type { Servers } from './servers.ts'

export type World = ReturnType<typeof createWorld>

const EPOCA = '0a0b0c0d-0000-4000-8000-00000000000a'
/** When the world begins. */
const BEGIN_MS = Date.UTC(2026, 10, 21, 12)
/** A delivery that was taken by an instance which died is due again after this; the product holds it for a minute. */
const HELD_MS = 6_000

/** The world of a plan at time 0: servers, model and clients, and no instance started yet. */
export function createWorld(plan: NoticesPlan, planted: Seams = {}) {
  const { seed, particoes, tellsDeleted } = plan
  const scheduler = createScheduler()
  const randomOf = (stream: string) => createRandom(seed, stream)
  const calendar = (): number => BEGIN_MS + Math.floor(scheduler.now())
  let ids = 0
  const newId = (): string => {
    ids += 1
    return uuid(ids)
  }
  const model = createModel()
  /** When each event was committed. */
  const committed = new Map<string, number>()
  const onEvent = ({ particao, posicao, id, comerciante_id }: EventRow): void => {
    committed.set(id, scheduler.now())
    scheduler.note(`orders  ${particao}:${posicao} ${id.slice(-4)} of ${comerciante_id}`)
  }
  const onLetter = (group: string, { particao, posicao, motivo: reason }: Letter): void =>
    model.complain(`${group} keeps ${particao}:${posicao} as a dead letter: ${reason}`)
  const orders = emptyOrders({ epoca: EPOCA, particoes, now: calendar, onEvent, onFollowed: () => {}, onLetter })
  const onNotice = ({ comerciante_id, seq, id }: NoticeRow): void =>
    scheduler.note(`avisos  notes ${id.slice(-4)} as ${seq} of ${comerciante_id}`)
  const notices = emptyNotices({ now: calendar, heldMs: HELD_MS, onNotice, onFollowed: () => {}, onLetter })
  const redisServer = createRedisServer({
    now: scheduler.now,
    after: (ms, run) => void scheduler.after(ms, run),
    tellsDeleted,
    scripts: SCRIPTS,
  })
  const instances = createNoticesInstances()
  const wire = createWire({ scheduler, kill: (process, ms) => instances.kill(process.instance, ms) })
  const feed = createFeedNetwork({ wire, random: randomOf('feed'), sources: instances.entregas })
  const postgres = (name: string, statements: readonly Statement[]) =>
    createPostgresServer({ scheduler, random: randomOf(name), statements, slowestMs: plan.slowestMs })
  const pulling = { on: true }
  const receivers = createReceivers({ scheduler, wire, hooks: plan.hooks })
  const apply = (planted.note ?? noting)(notices)
  const servers: Servers = {
    ...{ plan, wire, redisServer, receivers, planted, newId },
    entregas: postgres('entregas', ordersStatements(orders)),
    avisos: postgres('avisos', [
      ...applyStatements({ ...notices, group: AVISOS_GROUP, apply }),
      ...inboxStatements(notices),
      ...deliveryStatements(notices, planted.claim, planted.awaitTurn),
    ]),
    readers: [FLUXO_GROUP, AVISOS_GROUP],
    feed: feed.ask,
    pulls: () => pulling.on,
    now: () => new Date(calendar()),
    seams: {},
    registry: new Registry(),
  }
  instances.open({
    plan,
    scheduler,
    names: [...plan.entregas, ...plan.avisos],
    begin: (instance, process) =>
      plan.entregas.includes(instance) ? startEntregas(servers, process) : startAvisos(servers, process),
  })
  const { entregas } = instances
  const clients = createClients({ scheduler, random: randomOf('clients'), model, orders, servers, entregas })
  /** Whether followers may pull what the stream does not bring. */
  const setPulling = (on: boolean): void => {
    pulling.on = on
    feed.setUp(on)
  }
  const addHook = ({ id, comerciante: comerciante_id, eventos }: Hook): void => {
    scheduler.note(`client  ${comerciante_id} asks for webhook ${id}`)
    addWebhook(notices, { id: hookId(id), comerciante_id, url: urlOf(id), eventos })
  }
  const resumes = createResumes({ scheduler, notices, avisos: instances.avisos, hooks: plan.hooks })
  const backup = createBackup(notices, resumes.forget)
  const parts = { plan, scheduler, servers, orders, notices, committed, model, instances, feed, clients }
  return { ...parts, setPulling, addHook, resumes, backup }
}

/** The instances of both services, told apart. */
function createNoticesInstances() {
  const instances = createInstances<Entregas | Avisos>()
  const isEntregas = (service: Entregas | Avisos): service is Entregas => 'mudar' in service
  return {
    ...instances,
    entregas: (): Entregas[] => instances.services().filter(isEntregas),
    avisos: (): Avisos[] => instances.services().flatMap((one) => (isEntregas(one) ? [] : [one])),
  }
}
