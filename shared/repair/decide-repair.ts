import type { Run } from '../inbox/runs.ts'

/** What is known of one partition when its repair is decided. Times are milliseconds of one monotonic clock. */
export type RepairSituation = {
  now: number
  redisUp: boolean
  aplicadaAte: number
  /** Positions missing below the highest one applied. */
  holes: readonly Run[]
  /** Since when something is missing and the watermark has not moved; undefined while nothing is missing. */
  stoppedSince: number | undefined
  /** When the ledger was last asked for its head; undefined before the first time. */
  headSeenAt: number | undefined
  graceMs: number
  headEveryMs: number
}

type RepairStep =
  | { outcome: 'nothing' }
  /** Ask the ledger where its log ends, and whether it is still the same log. */
  | { outcome: 'see-head' }
  | { outcome: 'pull'; motivo: 'sem-redis' | 'buraco' | 'cabeca'; ranges: PullRange[] }

/** What to pull: everything after `after`, up to and including `to` or, undefined, all there is. */
export type PullRange = { after: number; to: number | undefined }

/** Holes filled in one round, a request or more each; the rest waits for the next. */
const RANGES_MAX = 50

/**
 * What repair does next for a partition.
 *
 * Without Redis the feed is the only path, so it is pulled all the time. With Redis the stream gets `graceMs` to bring
 * what is missing, since a hole is usually a batch that another instance still works on; what stands still for longer
 * is pulled: the holes themselves, or everything up to the ledger's head.
 */
export function decideRepair(s: RepairSituation): RepairStep {
  const everything = { after: s.aplicadaAte, to: undefined }
  if (!s.redisUp) return { outcome: 'pull', motivo: 'sem-redis', ranges: [everything] }
  if (s.stoppedSince !== undefined && s.now - s.stoppedSince >= s.graceMs) {
    if (s.holes.length === 0) return { outcome: 'pull', motivo: 'cabeca', ranges: [everything] }
    const ranges = s.holes.slice(0, RANGES_MAX).map(({ from, to }) => ({ after: from - 1, to }))
    return { outcome: 'pull', motivo: 'buraco', ranges }
  }
  if (s.headSeenAt === undefined || s.now - s.headSeenAt >= s.headEveryMs) return { outcome: 'see-head' }
  return { outcome: 'nothing' }
}

/** Whether the ledger's answer fits what was applied before; a reason where it is another log, or another history of it. */
export function divergenceOf(
  watermark: { epoca: string | null; aplicadaAte: number; ultimaPosicao: number; ultimoId: string | null },
  page: { epoca: string; ultima: number; eventos: readonly { posicao: number; evento: unknown }[] },
): 'epoca-divergente' | 'cabeca-regrediu' | 'id-divergente' | undefined {
  if (watermark.epoca !== null && watermark.epoca !== page.epoca) return 'epoca-divergente'
  if (page.ultima < Math.max(watermark.aplicadaAte, watermark.ultimaPosicao)) return 'cabeca-regrediu'
  const known = page.eventos.find(({ posicao }) => posicao === watermark.ultimaPosicao)
  const id = (known?.evento as { id?: unknown } | undefined)?.id
  if (id !== undefined && watermark.ultimoId !== null && id !== watermark.ultimoId) return 'id-divergente'
  return undefined
}

/** Positions that a page jumps over. The log has no gaps, so they exist nowhere. */
export function absentOf(after: number, posicoes: readonly number[]): number[] {
  const absent: number[] = []
  let next = after + 1
  for (const posicao of posicoes) {
    for (; next < posicao; next += 1) absent.push(next)
    next = posicao + 1
  }
  return absent
}
