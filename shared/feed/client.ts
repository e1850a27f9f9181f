import { z } from 'zod'
import type { Policy } from '../resilience/policy.ts'

/** An event of the feed: parsed, but read by no schema of its own yet. */
export type FeedEvento = { posicao: number; evento: unknown }

export type FeedPage = {
  particao: number
  /** How many partitions the log has, where it says so. */
  particoes?: number | undefined
  /** The highest position of the partition when the page was made, or a later one. */
  ultima: number
  /** The log that the positions belong to. */
  epoca: string
  eventos: FeedEvento[]
}

type FeedRequest = {
  particao: number
  after: number
  /** Events at most. */
  limite: number
  signal?: AbortSignal
}

export type FeedClient = {
  /** One page of the log, in order. Rejects with `FeedUnavailable`, or with what the policy says. */
  page(request: FeedRequest): Promise<FeedPage>
}

/** The ledger did not give the page. `status` is 0 where it did not answer with HTTP at all. */
class FeedUnavailable extends Error {
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FeedUnavailable'
    this.status = status
  }
}

/** Whether asking again may help: not where the ledger refuses the request itself. */
export const isFeedTransient = (error: unknown): boolean =>
  error instanceof FeedUnavailable && (error.status === 0 || error.status === 429 || error.status >= 500)

export type FeedClientDeps = {
  /** Where the ledger answers, such as `http://lancamentos:3001`. */
  baseUrl: string
  /** A token with scope `eventos:ler`. */
  token: () => string | Promise<string>
  policy: Policy
  /** Partitions that the reader follows. Pages of a log with more are refused: merchants would be missing, and nothing would say so. */
  particoes?: number | undefined
  /** Instead of the network, where both services live in one process. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response> | Response) | undefined
}

const EventoSchema = z.looseObject({ sequence: z.string().regex(/^\d{16}$/) })
const PageSchema = z.object({
  particao: z.int().nonnegative(),
  particoes: z.int().positive().optional(),
  ultima: z.int().nonnegative(),
  epoca: z.guid(),
  eventos: z.array(z.unknown()),
})

/** Reads the log over HTTP (`GET /eventos`). */
export function createFeedClient(deps: FeedClientDeps): FeedClient {
  const { baseUrl, token, policy, particoes, fetch = globalThis.fetch } = deps
  const get = async ({ particao, after, limite: limit }: FeedRequest, signal: AbortSignal): Promise<FeedPage> => {
    const url = `${baseUrl}/eventos?particao=${particao}&depois_de=${after}&limite=${limit}`
    const headers = { authorization: `Bearer ${await token()}`, accept: 'application/json' }
    const response = await answered(() => fetch(url, { headers, signal }))
    if (!response.ok) {
      await response.body?.cancel()
      throw new FeedUnavailable(response.status, `the feed answered ${response.status}`)
    }
    const page = pageOf(await answered(() => response.json()))
    if (particoes !== undefined && page.particoes !== undefined && page.particoes !== particoes) {
      throw new Error(`PARTICOES=${particoes}, but the ledger has ${page.particoes}: set it to the same number.`)
    }
    return page
  }
  return {
    page: (request) => policy.execute((signal) => get(request, signal), request.signal),
  }
}

/** A network error, or a body that broke off, is an answer that did not come. */
async function answered<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new FeedUnavailable(0, 'the feed does not answer', { cause: error })
  }
}

function pageOf(json: unknown): FeedPage {
  const page = PageSchema.safeParse(json)
  if (!page.success) throw new FeedUnavailable(502, 'the feed answered something that is not a page')
  const eventos = page.data.eventos.map((evento) => ({ posicao: posicaoOf(evento), evento }))
  return { ...page.data, eventos }
}

/** Without its position an event cannot even be a dead letter, so such a page is no page. */
function posicaoOf(evento: unknown): number {
  const read = EventoSchema.shape.sequence.safeParse((evento as { sequence?: unknown } | null)?.sequence)
  if (!read.success) throw new FeedUnavailable(502, 'the feed answered an event without a position')
  return Number(read.data)
}
