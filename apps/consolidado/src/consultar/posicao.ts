import { DomainError } from '@fluxo/shared/errors'
import type { Lugar } from '@fluxo/shared/http/posicao'

/** What `Fluxo-Posicao` and `Prefer` ask for: an answer that contains all of `lugares`, waited for `esperaMs` at most. */
export type Espera = { lugares: readonly Lugar[]; esperaMs: number; preferida: number | undefined }

/** API.md: 2 seconds where `Prefer` says nothing, 10 at most. */
const ESPERA_PADRAO_S = 2
const ESPERA_MAX_S = 10

/** The log that the balances are made of; its places need no name. */
const RAZAO = 'lancamentos'
const LUGAR = /^(?:([a-z]{1,32}):)?(\d{1,5}):(\d{1,16})$/

const invalido = (cabecalho: string, motivo: string): DomainError =>
  new DomainError('cabecalho-invalido', `O cabeçalho ${cabecalho} é inválido: ${motivo}`, { cabecalho })

/** The seconds of `wait` in a `Prefer` header (RFC 7240), `undefined` without it. Other preferences are none of ours. */
function esperaPreferida(prefer: string): number | undefined {
  for (const preferencia of prefer.split(',')) {
    const [nome = '', valor = ''] = (preferencia.split(';')[0] ?? '').split('=').map((parte) => parte.trim())
    if (nome.toLowerCase() !== 'wait') continue
    const segundos = /^"?(\d{1,9})"?$/.exec(valor)?.[1]
    if (segundos === undefined) throw invalido('Prefer', 'wait deve ser um número inteiro de segundos.')
    return Math.min(Number(segundos), ESPERA_MAX_S)
  }
  return undefined
}

/** The ledger's places among those that a header names, one for each partition: the highest contains the others. */
function lerLugares(fluxoPosicao: string, particoes: number): Lugar[] {
  const ultimas = new Map<number, number>()
  for (const texto of fluxoPosicao.split(',')) {
    const [lido, log = RAZAO, particao, posicao] = LUGAR.exec(texto.trim()) ?? []
    if (lido === undefined || !Number.isSafeInteger(Number(posicao))) {
      throw invalido('Fluxo-Posicao', 'deve ser partição e posição, como 0:1234, ou uma lista delas.')
    }
    // Another log's place says nothing about the ledger's: no balance waits for it.
    if (log !== RAZAO) continue
    if (Number(particao) >= particoes) throw invalido('Fluxo-Posicao', 'a partição não existe.')
    ultimas.set(Number(particao), Math.max(Number(posicao), ultimas.get(Number(particao)) ?? 0))
  }
  return [...ultimas].map(([particao, posicao]) => ({ particao, posicao }))
}

/**
 * Reads `Fluxo-Posicao` (one place or several, as the answers to writes told them) and `Prefer: wait=N`.
 *
 * Throws `DomainError('cabecalho-invalido')`, with the header's name, where either is malformed or the partition is not one of ours.
 */
export function lerEspera(fluxoPosicao: string, prefer: string | undefined, particoes: number): Espera {
  const lugares = lerLugares(fluxoPosicao, particoes)
  const preferida = prefer === undefined ? undefined : esperaPreferida(prefer)
  const esperaMs = (preferida ?? ESPERA_PADRAO_S) * 1000
  return { lugares, esperaMs, preferida }
}
