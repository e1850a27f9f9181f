import { uniquePrefix } from '../stage/databases.ts'
import { consolidadoModule } from '../stage/modules/consolidado.ts'
import { lancamentosModule } from '../stage/modules/lancamentos.ts'
import { feedOf } from '../stage/modules/parts.ts'
import { startTogether } from '../stage/together.ts'
import { merchantBearer } from '../stage/tokens.ts'
import { waitFor } from '../stage/wait-for.ts'

export const PARTICOES = 2
/** The services' clock stands still, so that equal requests give equal times in every world. */
const NOW = new Date('2025-10-15T12:00:00.000Z')

export type Call = {
  /** The operation of the OpenAPI document, such as `GET /lancamentos/{id}`. */
  operation: string
  path: string
  headers?: Readonly<Record<string, string>>
  body?: string
  /** The status that it must have, where only one is right. */
  expected?: number
}
type AnswerHeaders = { readonly [name: string]: string | undefined }
export type Answer = { status: number; headers: AnswerHeaders; body: string }
export type Ask = (call: Call) => Promise<Answer>

/** Sends one request as a merchant; `settled` is waited for after a write, so that each is a step of its own there. */
export const sendAs = async (
  { url, settled }: { url: string; settled: () => Promise<boolean> },
  authorization: string,
  { operation, path, headers, body: sent }: Call,
  textOf = (answer: Response) => answer.text(),
): Promise<Answer> => {
  const method = operation.slice(0, operation.indexOf(' '))
  const own = { ...headers, authorization }
  const answer = await fetch(url + path, { method, headers: own, ...(sent !== undefined && { body: sent }) })
  const body = await textOf(answer)
  if (method === 'POST' && answer.ok) await waitFor(settled, { timeoutMs: 60_000, what: 'what follows a write' })
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body }
}

/** Both services, whole, in one process, two partitions. */
export const createWorld = async () => {
  const { url, sql, stop } = await startTogether(
    { services: ['lancamentos', 'consolidado'], particoes: PARTICOES },
    (of) => {
      const lancamentos = lancamentosModule({ ...of('lancamentos'), now: () => NOW })
      const eventos = feedOf(lancamentos, '')
      const consolidado = consolidadoModule({ ...of('consolidado'), cachePrefix: uniquePrefix('cache'), eventos })
      return [lancamentos, consolidado]
    },
  )
  const settled = async (): Promise<boolean> => {
    const heads = await sql.lancamentos<{ ultima: string }[]>`select ultima from posicao order by particao`
    const marks = await sql.consolidado<
      { ate: string }[]
    >`select aplicada_ate as ate from inbox_particao order by particao`
    return heads.every(({ ultima }, i) => marks[i]?.ate === ultima)
  }
  /** Asks as a merchant. A write is answered once it is projected. */
  const askAs = async (comercianteId: string): Promise<Ask> => {
    const authorization = await merchantBearer(comercianteId)
    return (call) => sendAs({ url, settled }, authorization, call)
  }
  return { url, askAs, stop }
}

export type World = Awaited<ReturnType<typeof createWorld>>
