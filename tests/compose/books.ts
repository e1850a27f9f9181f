import { signToken } from '@fluxo/shared/http/tokens'
import { z } from 'zod'
import { waitFor } from '../stage/wait-for.ts'
import type { Client } from './client.ts'

export type Tipo = 'CREDITO' | 'DEBITO'
type Total = { creditos: bigint; debitos: bigint; quantidade: number }

/** What was answered with 201, by merchant and day: the books that the system must show in the end. */
export type Books = {
  merchants: readonly string[]
  days: readonly string[]
  tokenOf: (merchant: string) => string
  add: (merchant: string, day: string, tipo: Tipo, cents: bigint) => void
  count: () => number
  /** Waits until `GET /consolidado` shows exactly these books; gives the days that differ at the end. */
  differences: (client: Client) => Promise<string[]>
}

const TOKEN_SECONDS = 3_600
/** A loaded machine that has just come back may need this long to catch up. */
const CATCH_UP_MS = 60_000
const SCOPES = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']

const DaySchema = z.object({ total_creditos: z.number(), total_debitos: z.number(), quantidade: z.number() })

/** Cents as the decimal text of the API. */
export const amount = (cents: bigint): string => `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`

export const createBooks = async (
  secret: string,
  merchants: readonly string[],
  days: readonly string[],
): Promise<Books> => {
  const tokens = new Map<string, string>()
  for (const comercianteId of merchants) {
    tokens.set(
      comercianteId,
      await signToken({ secret, comercianteId, scopes: SCOPES, expiresInSeconds: TOKEN_SECONDS }),
    )
  }
  const totals = new Map<string, Total>()
  const keyOf = (merchant: string, day: string) => `${merchant} ${day}`
  const tokenOf = (merchant: string) => tokens.get(merchant) ?? ''

  const differenceOf = async (client: Client, merchant: string, day: string): Promise<string | undefined> => {
    const expected = totals.get(keyOf(merchant, day)) ?? { creditos: 0n, debitos: 0n, quantidade: 0 }
    const { status, text } = await client.send('GET', `/consolidado/${day}`, { token: tokenOf(merchant) })
    if (status !== 200) return `${merchant} ${day}: ${status}`
    const found = DaySchema.parse(JSON.parse(text))
    // Sums of the test stay far below 2^53 cents, where a double with two decimals is exact.
    const shown = [found.total_creditos.toFixed(2), found.total_debitos.toFixed(2), found.quantidade].join(' ')
    const right = [amount(expected.creditos), amount(expected.debitos), expected.quantidade].join(' ')
    return shown === right ? undefined : `${merchant} ${day}: ${shown} instead of ${right}`
  }

  return {
    merchants,
    days,
    tokenOf,
    count: () => [...totals.values()].reduce((sum, { quantidade }) => sum + quantidade, 0),
    add: (merchant, day, tipo, cents) => {
      const total = totals.get(keyOf(merchant, day)) ?? { creditos: 0n, debitos: 0n, quantidade: 0 }
      if (tipo === 'CREDITO') total.creditos += cents
      else total.debitos += cents
      total.quantidade += 1
      totals.set(keyOf(merchant, day), total)
    },
    differences: async (client) => {
      let left: string[] = []
      const exact = async () => {
        const pairs = merchants.flatMap((merchant) => days.map((day) => differenceOf(client, merchant, day)))
        left = (await Promise.all(pairs)).filter((line) => line !== undefined)
        return left.length === 0
      }
      await waitFor(exact, { timeoutMs: CATCH_UP_MS, intervalMs: 500, what: 'the books' }).catch(() => undefined)
      return left
    },
  }
}
