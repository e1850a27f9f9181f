import { streamKey } from '@fluxo/shared/stream/keys'
import { AVISOS_GROUP, PEDIDOS_STREAM } from '../../../apps/avisos/src/logs/pedidos.ts'
import { scheduleFaults, stopRedis } from '../disturbances.ts'
import type { Verdict } from '../scenario.ts'
import { faultTargetsOf } from './fault-targets.ts'
import { judge } from './judge.ts'
import type { NoticesPlan } from './plan.ts'
import type { Seams } from './seams.ts'
import { createWorld, type World } from './world.ts'

/** How long the world may take to come to rest once nothing goes wrong any more. */
const REST_MAX_MS = 240_000
/** How often it is looked whether it has. */
const LOOK_EVERY_MS = 40
/** What is still on its way arrives within this time and two statements. */
const SETTLES_MS = 300

/** Runs a history of notices to its end and judges it. */
export async function runPlan(plan: NoticesPlan, seams: Seams = {}): Promise<Verdict<NoticesPlan>> {
  const world = createWorld(plan, seams)
  const { scheduler, model, orders, notices } = world
  const verdict = () => ({ plan, failures: model.failures, lines: scheduler.lines(), digest: scheduler.digest() })
  await load(world)
  if (!(await comesToRest(world, `by the ${PATHS[plan.profile]}`))) return verdict()
  scheduler.note('! everything is back')
  world.setPulling(true)
  world.servers.redisServer.setUp(true)
  const written = (): number => orders.commits + notices.commits
  for (let before = -1; before !== written(); await passes(world, SETTLES_MS + 2 * plan.slowestMs)) {
    before = written()
    if (!(await comesToRest(world, 'in the end'))) return verdict()
  }
  judge(world)
  return verdict()
}

const PATHS = { everything: 'stream and the feed', 'stream-only': 'stream alone', 'feed-only': 'feed alone' } as const

async function load(world: World): Promise<void> {
  const { plan, scheduler, instances, clients } = world
  for (const hook of plan.hooks) scheduler.after(hook.at, () => world.addHook(hook))
  for (const hook of plan.hooks)
    if (hook.gone !== undefined) scheduler.after(hook.gone.to, () => world.resumes.begin(hook))
  instances.startAll()
  if (plan.profile === 'stream-only') world.setPulling(false)
  if (plan.profile === 'feed-only') stopRedis(world)
  scheduleFaults(world, faultTargetsOf(world))
  for (const order of plan.orders) scheduler.after(order.at, () => clients.order(order))
  await passes(world, plan.loadMs)
}

const passes = ({ scheduler }: World, ms: number): Promise<boolean> =>
  scheduler.runUntil(scheduler.now() + ms, () => false)

async function comesToRest(world: World, how: string): Promise<boolean> {
  const { scheduler, model } = world
  const until = scheduler.now() + REST_MAX_MS
  while (!isAtRest(world)) {
    if (model.failures.length > 0) return false
    if (scheduler.now() > until) {
      model.complain(`not at rest ${how} after ${REST_MAX_MS} ms: ${situation(world)}`)
      return false
    }
    await passes(world, LOOK_EVERY_MS)
  }
  return model.failures.length === 0
}

/** Every order is answered and has gone its way, every event is followed, and no delivery waits. */
const isAtRest = (world: World): boolean =>
  world.clients.satisfied() &&
  world.orders.steps.size === 0 &&
  world.servers.entregas.idle() &&
  world.servers.avisos.idle() &&
  world.instances.complete() &&
  waiting(world) === 0 &&
  world.resumes.areDone() &&
  partitions(world).every((particao) => isFollowed(world, particao) && !isPending(world, particao))

const waiting = ({ notices }: World): number =>
  [...notices.deliveries.values()].filter(({ vence_em }) => vence_em !== null).length

const partitions = ({ plan }: World): number[] => Array.from({ length: plan.particoes }, (_, particao) => particao)

const isFollowed = ({ orders, notices }: World, particao: number): boolean =>
  [orders.inbox, notices.inbox].every((inbox) => {
    const row = inbox.get(particao)
    return row?.aplicada_ate === orders.ultima[particao] && row?.adiante.size === 0
  })

/** Whether the group of avisos still has something to read or to acknowledge. Without Redis there is no stream. */
function isPending({ servers }: World, particao: number): boolean {
  const { redisServer } = servers
  const stream = redisServer.store.stream(streamKey(PEDIDOS_STREAM, particao))
  if (!redisServer.up() || stream === undefined) return false
  const group = stream.groups.get(AVISOS_GROUP)
  return group?.delivered !== stream.top || group.pending.size > 0
}

function situation(world: World): string {
  const { orders, notices, clients } = world
  const marks = partitions(world).map((particao) => {
    const [flow, avisos] = [orders.inbox.get(particao), notices.inbox.get(particao)]
    const ways = `flow ${flow?.aplicada_ate}, avisos ${avisos?.aplicada_ate}`
    return `partition ${particao}: log ${orders.ultima[particao]}, ${ways}`
  })
  return [...marks, `${waiting(world)} deliveries wait`, ...(clients.satisfied() ? [] : ['a client waits'])].join('; ')
}
