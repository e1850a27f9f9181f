import { Registry } from 'prom-client'
import { statusOfCode } from '../../../apps/entregas/src/domain/status.ts'
import { FLUXO_GROUP as FLOW } from '../../../apps/entregas/src/fluir/group.ts'
import { LANCAMENTOS_GROUP } from '../../../apps/lancamentos/src/lancar-entregas/group.ts'
import { createRandom } from '../../stage/random.ts'
import { createInstances } from '../instances.ts'
import { createScheduler } from '../scheduler.ts'
import { createFeedNetwork } from '../servers/feed-network.ts'
import { createLedgerDatabase } from '../servers/ledger-database.ts'
import { createPostgresServer, type Statement } from '../servers/postgres-server.ts'
import { inboxStatements } from '../servers/projection-readings.ts'
import type { InboxRow, Letter } from '../servers/projection-state.ts'
import { SCRIPTS } from '../servers/redis-scripts.ts'
import { createRedisServer } from '../servers/redis-server.ts'
import { createWire } from '../servers/wire.ts'
import { createClients } from './clients.ts'
import { type Entregas, startEntregas } from './entregas.ts'
import { applyStatements } from './follower-statements.ts'
import { type Lancamentos, startLancamentos } from './lancamentos.ts'
import { createModel } from './model.ts'
import { ordersStatements, POISONED_MERCHANT } from './orders-database.ts'
import { type EventRow, emptyOrders, type Followed, type OrdersState } from './orders-state.ts'
import type { OrdersPlan } from './plan.ts'
import type { Seams } from './seams.ts'
import type { Servers } from './servers.ts'

export type World = ReturnType<typeof createWorld>

const PEDIDOS_EPOCA = '0a0b0c0d-0000-4000-8000-00000000000a'
const LEDGER_EPOCA = '0a0b0c0d-0000-4000-8000-00000000000b'
/** When the world begins. */
const BEGIN_MS = Date.UTC(2026, 10, 21, 12)
const UUID_DIGITS = 12

/** The world of a plan at time 0: servers, model and clients, and no instance started yet. */
export function createWorld(plan: OrdersPlan, seams: Seams = {}) {
  const { seed, particoes, tellsDeleted } = plan
  const scheduler = createScheduler()
  const randomOf = (stream: string) => createRandom(seed, stream)
  const calendar = (): number => BEGIN_MS + Math.floor(scheduler.now())
  let ids = 0
  const newId = (): string => {
    ids += 1
    return `01a1fbc4-0000-7000-8000-${String(ids).padStart(UUID_DIGITS, '0')}`
  }
  const model = createModel()
  const heard = {
    onFollowed: (followed: Followed) => {
      scheduler.note(`${followed.group}  has followed ${followed.particao}:${followed.posicao}`)
      model.followed(followed)
    },
    onLetter: (group: string, { particao, posicao, motivo: reason }: Letter) => {
      scheduler.note(`${group}  keeps ${particao}:${posicao} as a letter: ${reason}`)
      if (group === FLOW && isPoison(orders, particao, posicao)) return
      model.complain(`${group} keeps ${particao}:${posicao} as a dead letter, and it is no poison: ${reason}`)
    },
  }
  const onEvent = ({ particao, posicao, pedido_id, seq, status, source }: EventRow): void =>
    scheduler.note(
      `orders  ${particao}:${posicao} order ${pedido_id.slice(-4)} ${seq} ${statusOfCode(status)} (${source})`,
    )
  const orders = emptyOrders({ epoca: PEDIDOS_EPOCA, particoes, now: calendar, onEvent, ...heard })
  const ledger = createLedgerDatabase({ epoca: LEDGER_EPOCA, particoes })
  const followed = new Map<number, InboxRow>()
  const following = applyStatements({
    ...heard,
    inbox: followed,
    letters: new Map(),
    group: 'lancamentos',
    apply: { effect: () => null },
  })
  const redisServer = createRedisServer({
    now: scheduler.now,
    after: (ms, run) => void scheduler.after(ms, run),
    tellsDeleted,
    scripts: SCRIPTS,
  })
  const instances = createOrdersInstances()
  const wire = createWire({ scheduler, kill: (process, ms) => instances.kill(process.instance, ms) })
  const feed = createFeedNetwork({ wire, random: randomOf('feed'), sources: instances.entregas })
  const postgres = (name: string, statements: readonly Statement[]) =>
    createPostgresServer({ scheduler, random: randomOf(name), statements, slowestMs: plan.slowestMs })
  const pulling = { on: true }
  const servers: Servers = {
    plan,
    wire,
    entregas: postgres('entregas', ordersStatements(orders, seams)),
    lancamentos: postgres('lancamentos', [...ledger.statements, ...following, ...inboxStatements({ inbox: followed })]),
    redisServer,
    feed: feed.ask,
    readers: [FLOW, LANCAMENTOS_GROUP],
    pulls: () => pulling.on,
    now: () => new Date(calendar()),
    newId,
    seams,
    registry: new Registry(),
  }
  instances.open({
    plan,
    scheduler,
    names: [...plan.entregas, ...plan.lancamentos],
    begin: (instance, process) =>
      plan.entregas.includes(instance) ? startEntregas(servers, process) : startLancamentos(servers, process),
  })
  const { entregas } = instances
  const clients = createClients({ scheduler, random: randomOf('clients'), model, orders, servers, entregas })
  /** Whether followers may pull what the stream does not bring. */
  const setPulling = (on: boolean): void => {
    pulling.on = on
    feed.setUp(on)
  }
  return { plan, scheduler, servers, orders, ledger, followed, model, instances, feed, setPulling, clients }
}

/** Whether the flow can never plan what an event asks for. */
const isPoison = ({ events }: Pick<OrdersState, 'events'>, particao: number, posicao: number): boolean =>
  events.some((one) => one.particao === particao && one.posicao === posicao && one.comerciante_id === POISONED_MERCHANT)

/** The instances of both services, told apart. */
function createOrdersInstances() {
  const instances = createInstances<Entregas | Lancamentos>()
  const isEntregas = (service: Entregas | Lancamentos): service is Entregas => 'mudar' in service
  return {
    ...instances,
    entregas: (): Entregas[] => instances.services().filter(isEntregas),
    lancamentos: (): Lancamentos[] => instances.services().flatMap((one) => (isEntregas(one) ? [] : one)),
  }
}
