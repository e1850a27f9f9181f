import { streamKey } from '@fluxo/shared/stream/keys'
import { STREAM_PREFIX } from '../../../apps/entregas/src/domain/evento.ts'
import { FLUXO_GROUP } from '../../../apps/entregas/src/fluir/group.ts'
import { LANCAMENTOS_GROUP as GRUPO_DO_LIVRO } from '../../../apps/lancamentos/src/lancar-entregas/group.ts'
import { scheduleFaults, stopRedis } from '../disturbances.ts'
import type { Verdict } from '../scenario.ts'
import { type InboxRow, letterKey } from '../servers/projection-state.ts'
import { faultTargetsOf } from './fault-targets.ts'
import { judge } from './judge.ts'
import type { OrdersPlan } from './plan.ts'
import type { Seams } from './seams.ts'
import { createWorld, type World } from './world.ts'

/** How long the world may take to come to rest once nothing goes wrong any more: a claimed step alone waits ten seconds. */
const REST_MAX_MS = 240_000
/** How often it is looked whether it has. */
const LOOK_EVERY_MS = 40
/** What is still on its way arrives within this time and two statements. */
const SETTLES_MS = 300

/** Runs a history of orders to its end and judges it. */
export async function runPlan(plan: OrdersPlan, seams: Seams = {}): Promise<Verdict<OrdersPlan>> {
  const world = createWorld(plan, seams)
  const { scheduler, model, orders, ledger } = world
  const verdict = () => ({ plan, failures: model.failures, lines: scheduler.lines(), digest: scheduler.digest() })
  await load(world)
  if (!(await comesToRest(world, `by the ${PATHS[plan.profile]}`, isApplied))) return verdict()
  scheduler.note('! everything is back')
  world.setPulling(true)
  world.servers.redisServer.setUp(true)
  const written = (): number => orders.commits + ledger.entries.length
  for (let before = -1; before !== written(); await passes(world, SETTLES_MS + 2 * plan.slowestMs)) {
    before = written()
    if (!(await comesToRest(world, 'in the end', isFollowed))) return verdict()
  }
  judge(world)
  return verdict()
}

const PATHS = { everything: 'stream and the feed', 'stream-only': 'stream alone', 'feed-only': 'feed alone' } as const

async function load(world: World): Promise<void> {
  const { plan, scheduler, instances, clients } = world
  instances.startAll()
  if (plan.profile === 'stream-only') world.setPulling(false)
  if (plan.profile === 'feed-only') stopRedis(world)
  scheduleFaults(world, faultTargetsOf(world))
  for (const order of plan.orders) scheduler.after(order.at, () => clients.order(order))
  for (const change of plan.changes) scheduler.after(change.at, () => clients.change(change))
  await passes(world, plan.loadMs)
}

const passes = ({ scheduler }: World, ms: number): Promise<boolean> =>
  scheduler.runUntil(scheduler.now() + ms, () => false)

/** Whether an event log was followed in a partition. */
type Followed = (world: World, particao: number) => boolean

async function comesToRest(world: World, how: string, isFollowed: Followed): Promise<boolean> {
  const { scheduler, model } = world
  const until = scheduler.now() + REST_MAX_MS
  while (!isAtRest(world, isFollowed)) {
    if (model.failures.length > 0) return false
    if (scheduler.now() > until) {
      model.complain(`not at rest ${how} after ${REST_MAX_MS} ms: ${situation(world)}`)
      return false
    }
    await passes(world, LOOK_EVERY_MS)
  }
  return model.failures.length === 0
}

/** Every request is answered, every event is followed by both, and no step is left to be taken. */
const isAtRest = (world: World, isFollowed: Followed): boolean =>
  world.clients.satisfied() &&
  world.orders.steps.size === 0 &&
  world.servers.entregas.idle() &&
  world.servers.lancamentos.idle() &&
  world.instances.complete() &&
  partitions(world).every((particao) => isFollowed(world, particao) && !isPending(world, particao))

const partitions = ({ plan }: World): number[] => Array.from({ length: plan.particoes }, (_, particao) => particao)

/** The same without the log's own word, which alone lets the flow pass what it keeps as a letter. */
function isApplied(world: World, particao: number): boolean {
  const { orders } = world
  const row = orders.inbox.get(particao)
  if (orders.letters.size === 0 || row === undefined) return isFollowed(world, particao)
  const posicoes = Array.from({ length: orders.ultima[particao] ?? 0 }, (_, i) => i + 1)
  const known = (posicao: number): boolean =>
    posicao <= row.aplicada_ate || row.adiante.has(posicao) || orders.letters.has(letterKey(particao, posicao))
  return posicoes.every(known) && isAtHead(world.followed.get(particao), orders.ultima[particao])
}

const isAtHead = (row: InboxRow | undefined, ultima: number | undefined): boolean =>
  row?.aplicada_ate === ultima && row?.adiante.size === 0

const isFollowed = ({ orders, followed }: World, particao: number): boolean =>
  [orders.inbox, followed].every((inbox) => isAtHead(inbox.get(particao), orders.ultima[particao]))

/** Whether a group of the stream still has something to read or to acknowledge. Without Redis there is no stream. */
function isPending({ servers }: World, particao: number): boolean {
  const { redisServer } = servers
  const stream = redisServer.store.stream(streamKey(STREAM_PREFIX, particao))
  if (!redisServer.up() || stream === undefined) return false
  return [FLUXO_GROUP, GRUPO_DO_LIVRO].some((name) => {
    const group = stream.groups.get(name)
    return group?.delivered !== stream.top || group.pending.size > 0
  })
}

function situation(world: World): string {
  const { orders, followed, clients, servers } = world
  const marks = partitions(world).map((particao) => {
    const [flow, books] = [orders.inbox.get(particao), followed.get(particao)]
    const stream = servers.redisServer.store.stream(streamKey(STREAM_PREFIX, particao))
    const groups = [...(stream?.groups ?? [])].map(
      ([name, { delivered, pending }]) => `${name} ${delivered} (${[...pending.keys()].join(' ')})`,
    )
    return `partition ${particao}: log ${orders.ultima[particao]}, flow ${flow?.aplicada_ate}, books ${books?.aplicada_ate}, stream ${stream?.top}, ${groups.join(', ')}`
  })
  return [...marks, `${orders.steps.size} steps`, ...(clients.satisfied() ? [] : ['a client waits'])].join('; ')
}
