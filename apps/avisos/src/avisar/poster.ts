import type { LookupAddress } from 'node:dns'
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { LookupFunction, Socket } from 'node:net'
import { alvoRefusal, isAllowedAddress } from './alvo.ts'
import type { AttemptResult } from './avisar.ts'
import { createNameLookup, type NameLookupOptions } from './names.ts'

/** One attempt: where to, for whom, and what. */
type Posting = {
  url: string
  comercianteId: string
  headers: Readonly<Record<string, string>>
  body: string
}

/** What came of it, how long it took, and the beginning of the answer. */
export type PostResult = AttemptResult & {
  durationMs: number
  answer: string | undefined
  /** True where the caller ended it: then nothing is known of the receiver. */
  interrupted: boolean
  /** True where nothing left us, since nobody told the address of its name. */
  unresolved: boolean
}

export type WebhookPoster = {
  /** Posts once. Never rejects: whatever goes wrong is an outcome. */
  send: (posting: Posting, signal?: AbortSignal) => Promise<PostResult>
  close: () => void
}

/** From the first packet to the last: what a receiver does in longer belongs behind its answer. */
const LIMIT_MS = 15_000
/** Read of an answer: a receiver's answer is its status, and the rest is for the eyes of whoever looks for a mistake. */
const ANSWER_BYTES_MAX = 16 * 1024
/** Kept of an answer. */
const ANSWER_CHARACTERS_MAX = 500
/**
 * How long an idle connection is kept, since the next event is often near, and how many are: of one receiver, and in all. One more is
 * closed. How many are busy is not counted here: a host may be the receiver of many merchants.
 */
const IDLE_MS = 30_000
const IDLE_PER_ALVO_MAX = 32
const IDLE_MAX = 512

/** A kept connection that the receiver had closed already: nothing was received, so a new one is tried at once. */
class StaleConnection extends Error {}

/** Why we did not even connect; the message is safe to show to the merchant. */
class RefusedAlvo extends Error {}

type Options = NameLookupOptions & { limitMs?: number }

/** What an attempt has come to so far. */
type Progress = { signal: AbortSignal; unresolved: boolean }

/** Leaves an agent no more idle connections than there is room for. */
function withFewIdle<AnyAgent extends HttpAgent>(agent: AnyAgent): AnyAgent {
  const keep = agent.keepSocketAlive.bind(agent) as (socket: Socket) => boolean
  agent.keepSocketAlive = (socket: Socket): boolean => {
    const idle = Object.values(agent.freeSockets).reduce((sum, sockets = []) => sum + sockets.length, 0)
    return idle < IDLE_MAX && keep(socket)
  }
  return agent
}

/**
 * Posts webhooks, to public addresses only.
 *
 * The name is resolved by us, every address it resolves to must be permitted, and the connection goes to the addresses that
 * were checked: a name that says something else a moment later (DNS rebinding) changes nothing. Redirects are not followed.
 */
export function createWebhookPoster(options: Options): WebhookPoster {
  const { limitMs = LIMIT_MS } = options
  const lookUpName = createNameLookup(options)
  const connections = { keepAlive: true, maxFreeSockets: IDLE_PER_ALVO_MAX, timeout: IDLE_MS }
  const kept = {
    http: withFewIdle(new HttpAgent(connections)),
    https: withFewIdle(new HttpsAgent(connections)),
  }
  const fresh = { http: new HttpAgent(), https: new HttpsAgent() }

  /** The addresses of a name, where all of them are permitted. */
  const findAddresses = async (name: string, comercianteId: string, progress: Progress): Promise<LookupAddress[]> => {
    progress.unresolved = true
    const addresses = await lookUpName(name, comercianteId, progress.signal)
    progress.unresolved = false
    if (addresses.length === 0) throw new RefusedAlvo('nome não encontrado')
    if (!addresses.every(({ address }) => isAllowedAddress(address, options))) {
      throw new RefusedAlvo('O endereço resolvido não é público.')
    }
    return addresses
  }
  const post = (posting: Posting, progress: Progress, agents = kept): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const reason = alvoRefusal(posting.url, options)
      if (reason !== undefined) throw new RefusedAlvo(reason)
      const url = new URL(posting.url)
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(posting.body),
        'user-agent': 'Fluxo-Webhooks/1',
        ...posting.headers,
      }
      const lookup = lookupOf((name) => findAddresses(name, posting.comercianteId, progress))
      const common = { method: 'POST', headers, signal: progress.signal, lookup }
      const request =
        url.protocol === 'https:'
          ? requestHttps(url, { ...common, agent: agents.https })
          : requestHttp(url, { ...common, agent: agents.http })
      request.once('response', resolve)
      request.on('error', (error) => {
        const isStale = request.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
        reject(isStale ? new StaleConnection() : error)
      })
      request.end(posting.body)
    })

  return {
    send: async (posting, stop) => {
      const startedAt = performance.now()
      const timeout = AbortSignal.timeout(limitMs)
      const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop])
      const progress = { signal, unresolved: false }
      const durationMs = () => Math.round(performance.now() - startedAt)
      let status: number | undefined
      const result = (errorText: string | undefined, answerText?: string): PostResult => ({
        status,
        error: errorText,
        durationMs: durationMs(),
        answer: answerText,
        interrupted: false,
        unresolved: false,
      })
      try {
        const answer = await post(posting, progress).catch((error: unknown) => {
          if (error instanceof StaleConnection) return post(posting, progress, fresh)
          throw error
        })
        status = answer.statusCode
        return result(undefined, await readBeginning(answer))
      } catch (error) {
        // A status that came in time counts, whatever happened to the rest of the answer.
        if (status !== undefined && !signal.aborted) return result(undefined)
        status = undefined
        if (stop?.aborted === true) return { ...result('interrompido'), interrupted: true }
        if (progress.unresolved) return { ...result('nome não resolvido'), unresolved: true }
        return result(timeout.aborted ? `sem resposta em ${limitMs / 1_000} s` : reasonOf(error))
      }
    },
    close: () => {
      for (const { http, https } of [kept, fresh]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

/** A search for addresses as a connection asks for it. */
const lookupOf =
  (findAddresses: (name: string) => Promise<LookupAddress[]>): LookupFunction =>
  (name, { all }, callback) => {
    findAddresses(name).then(
      (addresses) => {
        const [{ address, family } = { address: '', family: 0 }] = addresses
        if (all === true) callback(null, addresses)
        else callback(null, address, family)
      },
      (error: Error) => callback(error, '', 0),
    )
  }

/** The beginning of an answer as one line of text; a longer answer is cut off with its connection. */
async function readBeginning(answer: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part)
    bytes += part.length
    if (bytes > ANSWER_BYTES_MAX) break
  }
  const text = Buffer.concat(parts)
    .toString('utf8')
    .replace(/[\p{Cc}\p{Cs}]+/gu, ' ')
    .trim()
  return text === ''
    ? undefined
    : [...text.slice(0, ANSWER_CHARACTERS_MAX * 2)].slice(0, ANSWER_CHARACTERS_MAX).join('')
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
function reasonOf(error: unknown): string {
  if (error instanceof RefusedAlvo) return error.message
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return CODIGOS[code] ?? 'a conexão falhou'
}
