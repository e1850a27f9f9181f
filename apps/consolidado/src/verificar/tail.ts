import type { FeedClient } from '@fluxo/shared/feed/client'
import { saldoKey } from '../domain/saldo.ts'
import type { SignedLancamento } from '../projetar/projetar.ts'
import type { DayKey } from '../projetar/saldo-store.ts'
import { BACKGROUND_PAGE_ROWS, readLedger } from './read-ledger.ts'
import type { Comparison } from './store.ts'
import { type DayAmounts, highestApplied, isApplied } from './verificar.ts'

/** Events after what was added up that a comparison may need; more have come only where a round took very long. */
const TAIL_MAX = 50_000

/** What the inbox of a snapshot holds beyond what was added up: read once, kept for the round. */
export function createTail(feed: FeedClient) {
  const readings = new Map<number, { ate: number; lancamentos: SignedLancamento[] }>()
  return {
    /** Brings the tail up to the snapshot, and gives what it adds to a day of that snapshot. */
    ate: async ({ snapshot, checkpoints }: Comparison) => {
      const extras = new Map<string, DayAmounts>()
      for (const watermark of snapshot.watermarks) {
        const { particao } = watermark
        if (watermark.epoca === null) continue
        // None before its first event, which may have been applied since the round began.
        const checkpoint = checkpoints.find((one) => one.particao === particao)
        if (checkpoint !== undefined && checkpoint.geracao !== snapshot.geracao) {
          throw new Error('the balances were exchanged during the round')
        }
        const posicao = checkpoint?.posicao ?? 0
        const tail = readings.get(particao) ?? { ate: posicao, lancamentos: [] }
        readings.set(particao, tail)
        const end = highestApplied(watermark)
        if (end - posicao > TAIL_MAX) throw new Error('more entries came during the round than it can hold')
        if (end > tail.ate) {
          const reading = await readLedger(
            feed,
            { particao, after: tail.ate, ate: end, rows: BACKGROUND_PAGE_ROWS },
            (evento) => {
              if (evento.lancamento !== undefined) tail.lancamentos.push(evento.lancamento)
            },
          )
          tail.ate = reading.ate
        }
        const withoutEffect = snapshot.skipped.get(particao)
        for (const lancamento of tail.lancamentos) {
          if (isApplied(watermark, lancamento.posicao) && !withoutEffect?.has(lancamento.posicao))
            add(extras, lancamento)
        }
      }
      return ({ comercianteId, data }: DayKey) => extras.get(saldoKey(comercianteId, data))
    },
  }
}

function add(days: Map<string, DayAmounts>, { comercianteId, data, valor }: SignedLancamento): void {
  const chave = saldoKey(comercianteId, data)
  const sum = days.get(chave) ?? { creditos: 0n, debitos: 0n, quantidade: 0 }
  if (valor > 0n) sum.creditos += valor
  else sum.debitos -= valor
  sum.quantidade += 1
  days.set(chave, sum)
}
