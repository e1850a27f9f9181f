import type { LogAddress } from '@fluxo/shared/process/settings'
import { z } from 'zod'

/** The state of a merchant's day, as JSON text that holds the position asked for. */
export type ReadState = (
  day: { comercianteId: string; data: string; particao: number; posicao: number },
  signal: AbortSignal,
) => Promise<string>

/** Longer than consolidado waits for a position (2 s) and its database (2 s). */
const ANSWER_MS = 5_000

/** Whether nobody answered at all: `fetch` says so by a TypeError. */
export const isAway = (error: unknown): boolean => error instanceof TypeError

const StateSchema = z.object({
  data: z.string(),
  total_creditos: z.number(),
  total_debitos: z.number(),
  saldo_final: z.number(),
  quantidade: z.int(),
  versao: z.int(),
})

/**
 * Asks consolidado for the state of a day (`GET /saldos`). Rejects where it does not answer, or has not come to the position yet.
 *
 * The text is kept as it came, since its amounts have more digits than a JavaScript number; the position is put behind them.
 */
export const createReadState =
  ({ baseUrl, token, fetch = globalThis.fetch }: Pick<LogAddress, 'baseUrl' | 'token' | 'fetch'>): ReadState =>
  async ({ comercianteId, data, particao, posicao }, signal) => {
    const query = new URLSearchParams({
      comerciante: comercianteId,
      data,
      particao: String(particao),
      posicao: String(posicao),
    })
    const answer = await fetch(`${baseUrl}/saldos?${query}`, {
      headers: { authorization: `Bearer ${await token()}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`consolidado answered ${answer.status}`)
    if (StateSchema.parse(JSON.parse(text)).data !== data) throw new Error('consolidado answered another day')
    return `${text.slice(0, -1)},"posicao":"${particao}:${posicao}"}`
  }
