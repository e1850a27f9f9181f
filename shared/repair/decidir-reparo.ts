import type { Run } from '../inbox/runs.ts'

/** What is known of one partition when its repair is decided. Times are milliseconds of one monotonic clock. */
export type Situacao = {
  agora: number
  redisUp: boolean
  aplicadaAte: number
  /** Positions missing below the highest one applied. */
  buracos: readonly Run[]
  /** Since when something is missing and the watermark has not moved; undefined while nothing is missing. */
  paradaDesde: number | undefined
  /** When the ledger was last asked for its head; undefined before the first time. */
  cabecaVistaEm: number | undefined
  graceMs: number
  headEveryMs: number
}

type Reparo =
  | { acao: 'nada' }
  /** Ask the ledger where its log ends, and whether it is still the same log. */
  | { acao: 'ver-cabeca' }
  | { acao: 'puxar'; motivo: 'sem-redis' | 'buraco' | 'cabeca'; faixas: Faixa[] }

/** What to pull: everything after `depoisDe`, up to and including `ate` or, undefined, all there is. */
export type Faixa = { depoisDe: number; ate: number | undefined }

/** Holes filled in one round, a request or more each; the rest waits for the next. */
const FAIXAS_MAX = 50

/**
 * What repair does next for a partition (DESIGN part 6).
 *
 * Without Redis the feed is the only path, so it is pulled all the time. With Redis the stream gets `graceMs` to bring
 * what is missing, since a hole is usually a batch that another instance still works on; what stands still for longer
 * is pulled: the holes themselves, or everything up to the ledger's head.
 */
export function decidirReparo(s: Situacao): Reparo {
  const tudo = { depoisDe: s.aplicadaAte, ate: undefined }
  if (!s.redisUp) return { acao: 'puxar', motivo: 'sem-redis', faixas: [tudo] }
  if (s.paradaDesde !== undefined && s.agora - s.paradaDesde >= s.graceMs) {
    if (s.buracos.length === 0) return { acao: 'puxar', motivo: 'cabeca', faixas: [tudo] }
    const faixas = s.buracos.slice(0, FAIXAS_MAX).map(({ de, ate }) => ({ depoisDe: de - 1, ate }))
    return { acao: 'puxar', motivo: 'buraco', faixas }
  }
  if (s.cabecaVistaEm === undefined || s.agora - s.cabecaVistaEm >= s.headEveryMs) return { acao: 'ver-cabeca' }
  return { acao: 'nada' }
}

/** Whether the ledger's answer fits what was applied before; a reason where it is another log, or another history of it. */
export function divergenciaDe(
  marca: { epoca: string | null; aplicadaAte: number; ultimaPosicao: number; ultimoId: string | null },
  page: { epoca: string; ultima: number; eventos: readonly { posicao: number; evento: unknown }[] },
): 'epoca-divergente' | 'cabeca-regrediu' | 'id-divergente' | undefined {
  if (marca.epoca !== null && marca.epoca !== page.epoca) return 'epoca-divergente'
  if (page.ultima < Math.max(marca.aplicadaAte, marca.ultimaPosicao)) return 'cabeca-regrediu'
  const known = page.eventos.find(({ posicao }) => posicao === marca.ultimaPosicao)
  const id = (known?.evento as { id?: unknown } | undefined)?.id
  if (id !== undefined && marca.ultimoId !== null && id !== marca.ultimoId) return 'id-divergente'
  return undefined
}

/** Positions that a page jumps over. The log has no gaps, so they exist nowhere. */
export function ausentesDe(depoisDe: number, posicoes: readonly number[]): number[] {
  const ausentes: number[] = []
  let next = depoisDe + 1
  for (const posicao of posicoes) {
    for (; next < posicao; next += 1) ausentes.push(next)
    next = posicao + 1
  }
  return ausentes
}
