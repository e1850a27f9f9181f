import type { LookupAddress } from 'node:dns'
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { LookupFunction, Socket } from 'node:net'
import { enderecoPermitido, motivoDoAlvo } from './alvo.ts'
import type { Tentado } from './avisar.ts'
import { createNomes, type NomesOptions } from './nomes.ts'

/** One attempt: where to, for whom, and what. */
type Remessa = {
  url: string
  comercianteId: string
  cabecalhos: Readonly<Record<string, string>>
  corpo: string
}

/** What came of it, how long it took, and the beginning of the answer. */
export type Enviado = Tentado & {
  duracaoMs: number
  resposta: string | undefined
  /** True where the caller ended it: then nothing is known of the receiver. */
  interrompido: boolean
  /** True where nothing left us, since nobody told the address of its name. */
  semEndereco: boolean
}

export type Remetente = {
  /** Posts once. Never rejects: whatever goes wrong is an outcome. */
  enviar: (remessa: Remessa, signal?: AbortSignal) => Promise<Enviado>
  close: () => void
}

/** From the first packet to the last: what a receiver does in longer belongs behind its answer. */
const LIMITE_MS = 15_000
/** Read of an answer: a receiver's answer is its status, and the rest is for the eyes of whoever looks for a mistake. */
const RESPOSTA_BYTES_MAX = 16 * 1024
/** Kept of an answer. */
const RESPOSTA_CARACTERES_MAX = 500
/**
 * How long an idle connection is kept, since the next event is often near, and how many are: of one receiver, and in all. One more is
 * closed. How many are busy is not counted here: a host may be the receiver of many merchants.
 */
const OCIOSA_MS = 30_000
const OCIOSAS_POR_ALVO_MAX = 32
const OCIOSAS_MAX = 512

/** A kept connection that the receiver had closed already: nothing was received, so a new one is tried at once. */
class ConexaoVelha extends Error {}

/** Why we did not even connect; the message is safe to show to the merchant. */
class AlvoRecusado extends Error {}

type Options = NomesOptions & { limiteMs?: number }

/** What an attempt has come to so far. */
type Andamento = { signal: AbortSignal; semEndereco: boolean }

/** Leaves an agent no more idle connections than there is room for. */
function comPoucasOciosas<Agente extends HttpAgent>(agente: Agente): Agente {
  const guardar = agente.keepSocketAlive.bind(agente) as (socket: Socket) => boolean
  agente.keepSocketAlive = (socket: Socket): boolean => {
    const ociosas = Object.values(agente.freeSockets).reduce((soma, sockets = []) => soma + sockets.length, 0)
    return ociosas < OCIOSAS_MAX && guardar(socket)
  }
  return agente
}

/**
 * Posts webhooks, to public addresses only.
 *
 * The name is resolved by us, every address it resolves to must be permitted, and the connection goes to the addresses that
 * were checked: a name that says something else a moment later (DNS rebinding) changes nothing. Redirects are not followed.
 */
export function createRemetente(options: Options): Remetente {
  const { limiteMs = LIMITE_MS } = options
  const nomes = createNomes(options)
  const conexoes = { keepAlive: true, maxFreeSockets: OCIOSAS_POR_ALVO_MAX, timeout: OCIOSA_MS }
  const guardadas = {
    http: comPoucasOciosas(new HttpAgent(conexoes)),
    https: comPoucasOciosas(new HttpsAgent(conexoes)),
  }
  const novas = { http: new HttpAgent(), https: new HttpsAgent() }

  /** The addresses of a name, where all of them are permitted. */
  const procurar = async (nome: string, { comercianteId }: Remessa, andamento: Andamento): Promise<LookupAddress[]> => {
    andamento.semEndereco = true
    const enderecos = await nomes(nome, comercianteId, andamento.signal)
    andamento.semEndereco = false
    if (enderecos.length === 0) throw new AlvoRecusado('nome não encontrado')
    if (!enderecos.every(({ address }) => enderecoPermitido(address, options))) {
      throw new AlvoRecusado('O endereço resolvido não é público.')
    }
    return enderecos
  }
  const postar = (remessa: Remessa, andamento: Andamento, agentes = guardadas): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const motivo = motivoDoAlvo(remessa.url, options)
      if (motivo !== undefined) throw new AlvoRecusado(motivo)
      const url = new URL(remessa.url)
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(remessa.corpo),
        'user-agent': 'Fluxo-Webhooks/1',
        ...remessa.cabecalhos,
      }
      const lookup = lookupDe((nome) => procurar(nome, remessa, andamento))
      const comum = { method: 'POST', headers, signal: andamento.signal, lookup }
      const request =
        url.protocol === 'https:'
          ? requestHttps(url, { ...comum, agent: agentes.https })
          : requestHttp(url, { ...comum, agent: agentes.http })
      request.once('response', resolve)
      request.on('error', (error) => {
        const velha = request.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
        reject(velha ? new ConexaoVelha() : error)
      })
      request.end(remessa.corpo)
    })

  return {
    enviar: async (remessa, parar) => {
      const inicio = performance.now()
      const limite = AbortSignal.timeout(limiteMs)
      const signal = parar === undefined ? limite : AbortSignal.any([limite, parar])
      const andamento = { signal, semEndereco: false }
      const duracaoMs = () => Math.round(performance.now() - inicio)
      let status: number | undefined
      const feito = (erro: string | undefined, resposta?: string): Enviado => ({
        status,
        erro,
        duracaoMs: duracaoMs(),
        resposta,
        interrompido: false,
        semEndereco: false,
      })
      try {
        const answer = await postar(remessa, andamento).catch((error: unknown) => {
          if (error instanceof ConexaoVelha) return postar(remessa, andamento, novas)
          throw error
        })
        status = answer.statusCode
        return feito(undefined, await lerComeco(answer))
      } catch (error) {
        // A status that came in time counts, whatever happened to the rest of the answer.
        if (status !== undefined && !signal.aborted) return feito(undefined)
        status = undefined
        if (parar?.aborted === true) return { ...feito('interrompido'), interrompido: true }
        if (andamento.semEndereco) return { ...feito('nome não resolvido'), semEndereco: true }
        return feito(limite.aborted ? `sem resposta em ${limiteMs / 1_000} s` : motivoDe(error))
      }
    },
    close: () => {
      for (const { http, https } of [guardadas, novas]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

/** A search for addresses as a connection asks for it. */
const lookupDe =
  (procurar: (nome: string) => Promise<LookupAddress[]>): LookupFunction =>
  (nome, { all }, callback) => {
    procurar(nome).then(
      (enderecos) => {
        const [{ address, family } = { address: '', family: 0 }] = enderecos
        if (all === true) callback(null, enderecos)
        else callback(null, address, family)
      },
      (error: Error) => callback(error, '', 0),
    )
  }

/** The beginning of an answer as one line of text; a longer answer is cut off with its connection. */
async function lerComeco(answer: IncomingMessage): Promise<string | undefined> {
  const partes: Buffer[] = []
  let bytes = 0
  for await (const parte of answer as AsyncIterable<Buffer>) {
    partes.push(parte)
    bytes += parte.length
    if (bytes > RESPOSTA_BYTES_MAX) break
  }
  const texto = Buffer.concat(partes)
    .toString('utf8')
    .replace(/[\p{Cc}\p{Cs}]+/gu, ' ')
    .trim()
  return texto === ''
    ? undefined
    : [...texto.slice(0, RESPOSTA_CARACTERES_MAX * 2)].slice(0, RESPOSTA_CARACTERES_MAX).join('')
}

const CODIGOS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'conexão recusada',
  ECONNRESET: 'conexão interrompida',
  ETIMEDOUT: 'sem conexão',
  EHOSTUNREACH: 'sem caminho até o endereço',
  CERT_HAS_EXPIRED: 'certificado vencido',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificado não confiável',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificado não confiável',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificado de outro nome',
}

/** Why there was no answer, in words for the merchant: never our addresses or our stack. */
function motivoDe(error: unknown): string {
  if (error instanceof AlvoRecusado) return error.message
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return CODIGOS[code] ?? 'a conexão falhou'
}
