import { DomainError } from '@fluxo/shared/errors'
import type { LogPosition } from '@fluxo/shared/http/posicao'

/** What `Fluxo-Posicao` and `Prefer` ask for: an answer that contains all of `positions`, waited for `waitMs` at most. */
export type PositionWait = { positions: readonly LogPosition[]; waitMs: number; preferred: number | undefined }

/** How long a read waits: 2 seconds where `Prefer` says nothing, 10 at most (docs/api.md). */
const WAIT_DEFAULT_S = 2
const WAIT_MAX_S = 10

/** The log that the balances are made of; its places need no name. */
const LEDGER_LOG = 'lancamentos'
const LOG_POSITION = /^(?:([a-z]{1,32}):)?(\d{1,5}):(\d{1,16})$/

const invalid = (header: string, motivo: string): DomainError =>
  new DomainError('cabecalho-invalido', `O cabeçalho ${header} é inválido: ${motivo}`, { cabecalho: header })

/** The seconds of `wait` in a `Prefer` header (RFC 7240), `undefined` without it. Other preferences are none of ours. */
function preferredWait(prefer: string): number | undefined {
  for (const preference of prefer.split(',')) {
    const [name = '', valor = ''] = (preference.split(';')[0] ?? '').split('=').map((part) => part.trim())
    if (name.toLowerCase() !== 'wait') continue
    const seconds = /^"?(\d{1,9})"?$/.exec(valor)?.[1]
    if (seconds === undefined) throw invalid('Prefer', 'wait deve ser um número inteiro de segundos.')
    return Math.min(Number(seconds), WAIT_MAX_S)
  }
  return undefined
}

/** The ledger's places among those that a header names, one for each partition: the highest contains the others. */
function readPositions(fluxoPosicao: string, particoes: number): LogPosition[] {
  const highest = new Map<number, number>()
  for (const text of fluxoPosicao.split(',')) {
    const [reading, log = LEDGER_LOG, particao, posicao] = LOG_POSITION.exec(text.trim()) ?? []
    if (reading === undefined || !Number.isSafeInteger(Number(posicao))) {
      throw invalid('Fluxo-Posicao', 'deve ser partição e posição, como 0:1234, ou uma lista delas.')
    }
    // Another log's place says nothing about the ledger's: no balance waits for it.
    if (log !== LEDGER_LOG) continue
    if (Number(particao) >= particoes) throw invalid('Fluxo-Posicao', 'a partição não existe.')
    highest.set(Number(particao), Math.max(Number(posicao), highest.get(Number(particao)) ?? 0))
  }
  return [...highest].map(([particao, posicao]) => ({ particao, posicao }))
}

/**
 * Reads `Fluxo-Posicao` (one place or several, as the answers to writes told them) and `Prefer: wait=N`.
 *
 * Throws `DomainError('cabecalho-invalido')`, with the header's name, where either is malformed or the partition is not one of ours.
 */
export function readWait(fluxoPosicao: string, prefer: string | undefined, particoes: number): PositionWait {
  const positions = readPositions(fluxoPosicao, particoes)
  const preferred = prefer === undefined ? undefined : preferredWait(prefer)
  const waitMs = (preferred ?? WAIT_DEFAULT_S) * 1000
  return { positions, waitMs, preferred }
}
