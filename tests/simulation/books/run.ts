import { parseStored } from '@fluxo/shared/cache/set-if-newer'
import { streamKey } from '@fluxo/shared/stream/keys'
import { saldoKey } from '../../../apps/consolidado/src/domain/saldo.ts'
import { CACHE_PREFIX, CONSOLIDADO_GROUP, STREAM_PREFIX } from '../../../apps/consolidado/src/projetar/names.ts'
import { scheduleFaults, stopRedis } from '../disturbances.ts'
import type { Verdict } from '../scenario.ts'
import type { DayRow } from '../servers/projection-state.ts'
import { faultTargetsOf } from './fault-targets.ts'
import type { Plan } from './plan.ts'
import type { Seams } from './seams.ts'
import { bodyOf } from './versions.ts'
import { createWorld, type World } from './world.ts'

/** How long the world may take to come to rest once nothing goes wrong any more: slow statements and much poison take a minute. */
const REST_MAX_MS = 240_000
/** How often it is looked whether it has. */
const LOOK_EVERY_MS = 40
/**
 * What is still on its way arrives within this time and two statements: what was applied a moment ago to the cache, an
 * entry whose client no longer waits for it to the ledger.
 */
const SETTLES_MS = 300
const ANSWERS_MAX_MS = 5_000

/** Runs a history to its end and judges it. */
export async function runPlan(plan: Plan, seams: Seams = {}): Promise<Verdict<Plan>> {
  const world = createWorld(plan, seams)
  const { scheduler, model } = world
  const verdict = (): Verdict<Plan> => ({
    plan,
    failures: model.failures,
    lines: scheduler.lines(),
    digest: scheduler.digest(),
  })
  await load(world)
  if (!(await comesToRest(world, `by the ${PATHS[plan.profile]}`, () => hasCaughtUp(world)))) return verdict()
  scheduler.note('! everything is back')
  world.feed.setUp(true)
  world.servers.redisServer.setUp(true)
  for (
    let entries = -1;
    entries !== world.ledger.entries.length || !isAtRest(world);
    await passes(world, SETTLES_MS + 2 * plan.slowestMs)
  ) {
    entries = world.ledger.entries.length
    if (!(await comesToRest(world, 'in the end', () => isAtRest(world)))) return verdict()
  }
  model.judge(plan.particoes)
  judgeBalances(world)
  judgeCache(world)
  await judgeReaders(world)
  return verdict()
}

const PATHS = { everything: 'stream and the feed', 'stream-only': 'stream alone', 'feed-only': 'feed alone' } as const

async function load(world: World): Promise<void> {
  const { plan, scheduler, instances, clients, feed } = world
  instances.startAll()
  if (plan.profile === 'stream-only') feed.setUp(false)
  if (plan.profile === 'feed-only') stopRedis(world)
  scheduleFaults(world, faultTargetsOf(world))
  for (const post of plan.posts) scheduler.after(post.at, () => clients.post(post))
  for (const read of plan.reads) scheduler.after(read.at, () => clients.read(read))
  await passes(world, plan.loadMs)
}

const passes = ({ scheduler }: World, ms: number): Promise<boolean> =>
  scheduler.runUntil(scheduler.now() + ms, () => false)

async function comesToRest(world: World, how: string, rests: () => boolean): Promise<boolean> {
  const until = world.scheduler.now() + REST_MAX_MS
  while (!rests()) {
    if (world.model.failures.length > 0) return false
    if (world.scheduler.now() > until) {
      world.model.complain(`not at rest ${how} after ${REST_MAX_MS} ms: ${situation(world)}`)
      return false
    }
    await passes(world, LOOK_EVERY_MS)
  }
  return true
}

/** Whether every request is answered and every entry that can be applied is. */
function hasCaughtUp(world: World): boolean {
  const { plan, clients, model } = world
  if (!clients.satisfied() || !model.allApplied()) return false
  return plan.profile === 'stream-only' ? nothingPending(world) : marksAreAtHead(world)
}

const isAtRest = (world: World): boolean =>
  world.clients.satisfied() &&
  world.servers.lancamentos.idle() &&
  marksAreAtHead(world) &&
  nothingPending(world) &&
  world.instances.complete() &&
  world.instances.consolidado().every(({ cache }) => cache.late() === 0)

const partitions = ({ plan }: World): number[] => Array.from({ length: plan.particoes }, (_, particao) => particao)

const marksAreAtHead = (world: World): boolean =>
  partitions(world).every((particao) => {
    const row = world.projection.inbox.get(particao)
    return row?.aplicada_ate === world.ledger.ultima(particao) && row.adiante.size === 0
  })

/** Whether the stream's group was given everything and acknowledged it. Only a Redis that lost something may lack the log's end. */
const nothingPending = (world: World): boolean =>
  partitions(world).every((particao) => {
    const stream = world.servers.redisServer.store.stream(streamKey(STREAM_PREFIX, particao))
    const ultima = world.ledger.ultima(particao)
    if (stream?.top !== ultima && world.plan.profile !== 'everything') return ultima === 0
    const group = stream?.groups.get(CONSOLIDADO_GROUP)
    return stream === undefined || (group?.delivered === stream.top && group.pending.size === 0)
  })

function situation(world: World): string {
  const marks = partitions(world).map((particao) => {
    const row = world.projection.inbox.get(particao)
    const stream = world.servers.redisServer.store.stream(streamKey(STREAM_PREFIX, particao))
    const group = stream?.groups.get(CONSOLIDADO_GROUP)
    const inbox = `applied to ${row?.aplicada_ate} of ${world.ledger.ultima(particao)} and ${row?.adiante.size} beyond`
    const pending = [...(group?.pending.keys() ?? [])].join(' ')
    return `partition ${particao} ${inbox}, stream to ${stream?.top}, delivered to ${group?.delivered}, pending ${pending || 'none'}`
  })
  return [...marks, ...(world.clients.satisfied() ? [] : ['a client waits'])].join('; ')
}

/** The sums of the ledger are the balances. */
function judgeBalances({ ledger, projection, model }: World): void {
  const sums = new Map<string, { creditos: bigint; debitos: bigint; quantidade: number }>()
  for (const entry of ledger.entries) {
    if (projection.letters.has(`${entry.particao}:${entry.posicao}`)) continue
    const key = `${entry.comerciante_id} ${entry.data}`
    const sum = sums.get(key) ?? { creditos: 0n, debitos: 0n, quantidade: 0 }
    if (entry.tipo > 0) sum.creditos += BigInt(entry.valor)
    else sum.debitos += BigInt(entry.valor)
    sum.quantidade += 1
    sums.set(key, sum)
  }
  if (sums.size !== projection.days.size)
    model.complain(`${sums.size} days in the ledger, ${projection.days.size} balances`)
  for (const [key, sum] of sums) {
    const day = projection.days.get(key)
    const same = day?.creditos === sum.creditos && day.debitos === sum.debitos && day.quantidade === sum.quantidade
    if (!same)
      model.complain(
        `${key}: the ledger has ${sum.creditos}, ${sum.debitos}, the balance ${day?.creditos}, ${day?.debitos}`,
      )
  }
}

/** What is kept and would be taken for current is the day as it is. */
function judgeCache({ servers, projection, model }: World): void {
  const info = servers.redisServer.run()
  for (const day of projection.days.values()) {
    const text = servers.redisServer.store.text(`${CACHE_PREFIX}:${saldoKey(day.comercianteId, day.data)}`)
    const kept = text === undefined ? undefined : parseStored(text)
    if (kept === undefined || !info.startsWith(kept.run)) continue
    if (kept.versao !== day.versao)
      model.complain(`${nameOf(day)}: version ${kept.versao} in the cache, ${day.versao} is true`)
  }
}

const nameOf = ({ comercianteId, data }: DayRow): string => `${comercianteId} ${data}`

/** Every instance answers every day as it is. */
async function judgeReaders({ instances, projection, scheduler, model }: World): Promise<void> {
  let open = 0
  for (const { leitor: reader, process } of instances.consolidado()) {
    for (const day of projection.days.values()) {
      open += 1
      const judged = ({ body, source: origin }: { body: string; source: string }): void => {
        open -= 1
        if (body !== bodyOf(day)) model.complain(`${process.instance} answers ${nameOf(day)} (${origin}) with ${body}`)
      }
      reader.read(day.comercianteId, day.data).then(judged, () => model.complain(`${process.instance} cannot answer`))
    }
  }
  const answered = await scheduler.runUntil(
    scheduler.now() + ANSWERS_MAX_MS,
    () => open === 0 || model.failures.length > 0,
  )
  if (!answered) model.complain('a reader was not answered')
}
