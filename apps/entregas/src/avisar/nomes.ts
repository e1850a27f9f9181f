import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { ehLocalhost, type RegraDeAlvo } from './alvo.ts'
import { createVezes } from './vezes.ts'

/** Names that are looked up at once, and those of one merchant. Each is two questions, and a resolver next door (dnsmasq) has 150 in hand. */
const NOMES_MAX = 64
const NOMES_POR_COMERCIANTE_MAX = 8
/** A question without an answer is asked again after this long. */
const PERGUNTA_MS = 1_500
const PERGUNTAS_MAX = 2
/** A name that has told nothing by then tells nothing. */
const NOME_MS = 5_000

/** Answers that say that there is no such name or address: asking again later changes nothing by itself. */
const NAO_EXISTE = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])

const LOCALHOST: LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

export type NomesOptions = RegraDeAlvo & {
  /** Other name servers than the system's (`address:port`). */
  servidores?: readonly string[]
}

/** The addresses of a name; none where it has none. Rejects where nobody knows: no answer in time, or a name server that fails. */
type Nomes = (nome: string, comercianteId: string, signal: AbortSignal) => Promise<LookupAddress[]>

/**
 * Looks names up at the name servers of `/etc/resolv.conf`, over sockets of its own. `dns.lookup` would wait in threads, of which libuv
 * gives names two, and cannot be ended: one silent name server would stand in front of every other name. So `/etc/hosts` and search
 * domains are not looked at; `localhost` is this machine.
 */
export function createNomes({ permiteLoopback, servidores }: NomesOptions): Nomes {
  const vezes = createVezes({ totalMax: NOMES_MAX, porComercianteMax: NOMES_POR_COMERCIANTE_MAX })
  return async (nome, comercianteId, signal) => {
    if (permiteLoopback && ehLocalhost(nome)) return LOCALHOST
    const sair = await vezes.entrar(comercianteId, signal)
    // One for each name, since all that a resolver is asked for is cancelled together; making one takes 0.04 ms.
    const resolver = new Resolver({ timeout: PERGUNTA_MS, tries: PERGUNTAS_MAX })
    if (servidores !== undefined) resolver.setServers(servidores)
    const parar = (): void => resolver.cancel()
    const limite = setTimeout(parar, NOME_MS)
    signal.addEventListener('abort', parar, { once: true })
    try {
      return enderecosDe(await Promise.allSettled([resolver.resolve4(nome), resolver.resolve6(nome)]))
    } finally {
      clearTimeout(limite)
      signal.removeEventListener('abort', parar)
      sair()
    }
  }
}

/** What both questions told. One answer is enough; without any, a failure is not taken for a name that does not exist. */
function enderecosDe([v4, v6]: [PromiseSettledResult<string[]>, PromiseSettledResult<string[]>]): LookupAddress[] {
  const com = (resposta: PromiseSettledResult<string[]>, family: number): LookupAddress[] =>
    resposta.status === 'fulfilled' ? resposta.value.map((address) => ({ address, family })) : []
  const enderecos = [...com(v4, 4), ...com(v6, 6)]
  if (enderecos.length > 0) return enderecos
  const falha = [v4, v6].find((resposta) => resposta.status === 'rejected' && !naoExiste(resposta.reason))
  if (falha !== undefined) throw new Error('a name could not be resolved', { cause: falha })
  return []
}

const naoExiste = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && NAO_EXISTE.has(String(error.code))
