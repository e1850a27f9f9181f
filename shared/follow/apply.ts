import type { Inbox, Posicionado, Recusa } from '../inbox/inbox.ts'
import { applyIsolating } from '../inbox/isolate.ts'
import type { Logger } from '../telemetry/logger.ts'
import { counter, type Registry } from '../telemetry/metrics.ts'
import { type Tracing, traceparentIn } from '../telemetry/tracing.ts'
import { startBatch } from '../telemetry/tracing-batch.ts'
import { follows, type Stops } from './another-log.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Group, Lido, Recusado } from './group.ts'
import { passing } from './letter-store.ts'

/** An event that arrived, already read, and how often it was delivered. */
type Chegado<Row> = { posicao: number; tentativas: number; lido: Lido<Row>; body: () => string }
/** Which way it came: delivered by the stream, or pulled from the log. */
type Origem = 'stream' | 'feed'

/** Applies what arrived. Resolves when all of it is durable or kept as a dead letter; rejects where that cannot be now. */
type Apply<Row> = (particao: number, chegados: readonly Chegado<Row>[], origem: Origem) => Promise<void>

type ApplyDeps<Row extends Posicionado> = Pick<Group<Row>, 'grupo' | 'table' | 'antes'> & {
  inbox: Inbox<Row, unknown>
  letters: Pick<DeadLetters, 'put'>
  stops: Pick<Stops, 'moved'>
  /** The epoch of the log now. Rejects where the log is away. */
  epocaDoLog: (particao: number) => Promise<string>
  /** Hears that a partition has got new rows. */
  depois?: (particao: number) => void
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
}

type Morto<Row> = { chegado: Chegado<Row>; motivo: string }

/** Applies what arrived, epoch by epoch, with what cannot be applied isolated from its neighbours. */
export function createApply<Row extends Posicionado>(deps: ApplyDeps<Row>): Apply<Row> {
  const bury = createBury(deps)
  return traced(deps, async (particao, chegados, origem) => {
    const porEpoca = new Map<string, Row[]>()
    const motivos = new Map<number, string>()
    for (const { posicao, lido } of chegados) {
      if (!lido.ok) motivos.set(posicao, lido.motivo)
      else {
        const desta = porEpoca.get(lido.epoca)
        if (desta === undefined) porEpoca.set(lido.epoca, [lido.row])
        else desta.push(lido.row)
      }
    }
    for (const [epoca, rows] of porEpoca) {
      const recusados = await before(deps, particao, epoca, rows)
      for (const { posicao, motivo } of recusados) motivos.set(posicao, motivo)
      const boas = recusados.length === 0 ? rows : rows.filter(({ posicao }) => !motivos.has(posicao))
      for (const { posicao, motivo } of await applyEpoch(deps, particao, epoca, boas)) motivos.set(posicao, motivo)
    }
    if (motivos.size === 0) return
    const mortos = chegados.flatMap((chegado): Morto<Row>[] => {
      const motivo = motivos.get(chegado.posicao)
      return motivo === undefined ? [] : [{ chegado, motivo }]
    })
    await bury(particao, mortos, origem)
  })
}

/** What comes before the inbox is not done for rows that the inbox would refuse, those of another log. */
async function before<Row extends Posicionado>(
  { antes, inbox }: ApplyDeps<Row>,
  particao: number,
  epoca: string,
  rows: readonly Row[],
): Promise<readonly Recusado[]> {
  if (antes === undefined) return []
  const marca = (await inbox.marcas()).find((uma) => uma.particao === particao)
  return follows(marca, epoca, rows) ? antes(particao, rows) : []
}

/** Applies rows of one epoch, and gives those that can never be applied. */
async function applyEpoch<Row extends Posicionado>(
  deps: ApplyDeps<Row>,
  particao: number,
  epoca: string,
  rows: readonly Row[],
): Promise<{ posicao: number; motivo: string }[]> {
  const { inbox, depois, stops } = deps
  const apply = (some: readonly Row[]) => inbox.apply({ particao, epoca, rows: some })
  const { outcomes, poisoned } = await applyIsolating(rows, apply)
  if (outcomes.some(({ outcome }) => outcome === 'aplicado')) stops.moved(particao)
  if (outcomes.some((outcome) => outcome.outcome === 'aplicado' && outcome.novos > 0)) depois?.(particao)
  const recusa = outcomes.find((outcome): outcome is Recusa => outcome.outcome !== 'aplicado')
  if (recusa !== undefined) await refused(deps, particao, epoca, recusa)
  return poisoned.map(({ row: { posicao }, motivo }) => ({ posicao, motivo }))
}

/** Events of a log that is no more are dropped once the log itself says so; any other refusal stops the partition. */
async function refused<Row extends Posicionado>(
  { grupo, epocaDoLog, log }: ApplyDeps<Row>,
  particao: number,
  epoca: string,
  recusa: Recusa,
): Promise<void> {
  if (recusa.outcome === 'epoca-divergente' && (await epocaDoLog(particao)) === recusa.epoca) {
    log.warn({ grupo, particao, epoca }, 'events of a log that is no more are dropped')
    return
  }
  throw new Error(`${grupo} stands still in partition ${particao}: ${recusa.divergente ?? recusa.outcome}`)
}

/**
 * Keeps what cannot be applied, each with its reason, before anybody acknowledges it. Only the log's own word lets the watermark
 * pass such a position: what a stream delivers may be damaged or a fake, so from there it stays a hole, and repair asks the log.
 */
function createBury<Row extends Posicionado>({ grupo, table, inbox, letters, registry }: ApplyDeps<Row>) {
  const unreadable = counter(registry, {
    name: 'fluxo_follow_unreadable_total',
    help: 'Events that could not be applied: from the stream (the log is asked instead) or from the log (passed over).',
    labelNames: ['group', 'particao', 'origem'],
  })
  const effect = passing(table)
  return async (particao: number, mortos: readonly Morto<Row>[], origem: Origem): Promise<void> => {
    unreadable.inc({ group: grupo, particao: String(particao), origem }, mortos.length)
    for (const { chegado, motivo } of mortos) {
      const { posicao, tentativas, body } = chegado
      await letters.put({ particao, posicao, body: body(), motivo, tentativas })
    }
    if (origem === 'stream') return
    const rows = mortos.map(({ chegado }) => ({ posicao: chegado.posicao, id: null }))
    await inbox.pass({ particao, epoca: null, rows }, effect)
  }
}

/** Applies as `apply` does, and shows it in the trace of every event that has one. */
function traced<Row extends Posicionado>({ tracing, grupo }: ApplyDeps<Row>, apply: Apply<Row>): Apply<Row> {
  if (tracing === undefined) return apply
  return async (particao, chegados, origem) => {
    const members = chegados.flatMap(({ posicao, body }) => {
      const traceparent = traceparentIn(body())
      return traceparent === undefined ? [] : [{ traceparent, attributes: { posicao } }]
    })
    const attributes = { grupo, origem, particao, 'messaging.batch.message_count': chegados.length }
    const trace = startBatch(tracing, `follow ${grupo}`, { kind: 'consumer', attributes, members })
    try {
      await apply(particao, chegados, origem)
      trace?.end()
    } catch (error) {
      trace?.end(error)
      throw error
    }
  }
}
