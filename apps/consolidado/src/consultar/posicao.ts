import { DomainError } from '@fluxo/shared/errors'

/** What `Fluxo-Posicao` and `Prefer` ask for: an answer that contains `posicao`, waited for `esperaMs` at most. */
export type Espera = { particao: number; posicao: number; esperaMs: number; preferida: number | undefined }

/** API.md: 2 seconds where `Prefer` says nothing, 10 at most. */
const ESPERA_PADRAO_S = 2
const ESPERA_MAX_S = 10

const POSICAO = /^(\d{1,5}):(\d{1,16})$/

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

/**
 * Reads `Fluxo-Posicao` (`<particao>:<posicao>`, as a POST answered it) and `Prefer: wait=N`.
 *
 * Throws `DomainError('cabecalho-invalido')`, with the header's name, where either is malformed or the partition is not one of ours.
 */
export function lerEspera(fluxoPosicao: string, prefer: string | undefined, particoes: number): Espera {
  const [, particao, posicao] = POSICAO.exec(fluxoPosicao.trim()) ?? []
  if (particao === undefined || posicao === undefined || !Number.isSafeInteger(Number(posicao))) {
    throw invalido('Fluxo-Posicao', 'deve ser partição e posição, como 0:1234.')
  }
  if (Number(particao) >= particoes) throw invalido('Fluxo-Posicao', 'a partição não existe.')
  const preferida = prefer === undefined ? undefined : esperaPreferida(prefer)
  const esperaMs = (preferida ?? ESPERA_PADRAO_S) * 1000
  return { particao: Number(particao), posicao: Number(posicao), esperaMs, preferida }
}
