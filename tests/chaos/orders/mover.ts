import type { Answer } from '../../stage/load.ts'
import type { Random } from '../../stage/random.ts'
import type { CarefulClient } from '../client.ts'
import type { Book, SentMove } from './book.ts'
import { ON_ITS_WAY, type Wish } from './machine.ts'

/** Asks as a merchant: posts `body`, under a key where there is one, or reads. */
export type Ask = (comerciante: string, path: string, body?: object, chave?: string) => Promise<Answer | undefined>

/** An order as its merchant knows it, from the last answer. */
export type Known = { id: string; status: string; version: number; attempts: number }

/** Changes without a key: after a lost reply the history tells whether it was made. */
const KEYLESS = 0.3
/** Days back that a delivery may be told of, at an hour that is another day in UTC than in São Paulo or is not. */
const DAYS_BACK = 3
const HOURS_UTC = ['01:30:00.000Z', '02:59:59.999Z', '03:00:00.000Z', '15:00:00.000Z']
const TOLD_LATE = 0.6
const DAY_MS = 86_400_000
const [OK, CONFLICT] = [200, 409]

type MoverDeps = { ask: Ask; client: CarefulClient; book: Book; random: Random }

/** Makes the function by which a merchant asks for one change, and notes what became of it. */
export const createMover = ({ ask, client, book, random }: MoverDeps) => {
  let number = 0
  const occurredAt = (to: string): string | undefined => {
    if (!['DELIVERED', 'RETURNED'].includes(to) || !random.chance(TOLD_LATE)) return undefined
    const day = new Date(Date.now() - random.int(1, DAYS_BACK) * DAY_MS).toISOString().slice(0, 10)
    return `${day}T${random.pick(HOURS_UTC)}`
  }
  /** Whether an event of the history is ours: how a client without a key finds out after a lost reply. */
  const isMade = async (comerciante: string, { orderId, note }: SentMove): Promise<boolean> => {
    const answer = await ask(comerciante, `/orders/${orderId}/events`)
    const events: { note?: string }[] = answer?.status === OK ? JSON.parse(answer.body) : []
    return events.some((event) => event.note === note)
  }
  /** Asks for one change from the version that is known. True where it was made, false where somebody was faster. */
  return async (comerciante: string, known: Known, { to, cancel }: Wish): Promise<boolean> => {
    number += 1
    const note = `m-${number}`
    const when = cancel ? undefined : occurredAt(to)
    const sent: SentMove = { note, orderId: known.id, to, occurredAt: when, outcome: undefined }
    book.ask(sent)
    const reason = to === 'DELIVERY_FAILED' ? { reason: 'absent' } : {}
    const told = when === undefined ? {} : { occurred_at: when }
    const { version } = known
    const body = cancel ? { note, version } : { status: to, note, version, ...reason, ...told }
    const keyless = random.chance(KEYLESS)
    const path = `/orders/${known.id}/${cancel ? 'cancel' : 'transitions'}`
    const answer = await ask(comerciante, path, body, keyless ? undefined : note)
    if (answer === undefined) return false
    const late = answer.status === CONFLICT && JSON.parse(answer.body).codigo === 'versao-desatualizada'
    if (answer.status !== OK && !late) client.complain(`${note} to ${to} was answered ${answer.status}: ${answer.body}`)
    const made = answer.status === OK || (keyless && (await isMade(comerciante, sent)))
    sent.outcome = made ? 'made' : 'refused'
    if (!made && !ON_ITS_WAY.includes(known.status))
      client.complain(`${note}: nobody else moves an order in ${known.status}, and yet ${answer.body}`)
    return made
  }
}
