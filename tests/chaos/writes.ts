import { hash } from 'node:crypto'
import type { Answer } from '../stage/load.ts'
import type { Random } from '../stage/random.ts'
import type { CarefulClient } from './client.ts'
import type { Model, Sent } from './model.ts'

type Writer = {
  /** One write, repeated under its key until it is answered; resolves then. */
  write: () => Promise<void>
  /** The last acknowledged entries that are alone on their day, so that a balance shows whether it contains them. */
  alone: () => readonly Sent[]
}

type Write = { entries: Sent[]; chave: string; comerciante: string; path: string; body: string }

/** Few, so that each day is written by many clients at once. */
const MERCHANTS = 12
const DAYS = 4
/** One write in so many has a day of its own, before all others: there are enough for 450,000 writes. */
const ALONE_EVERY = 15
const ALONE_KEPT = 20
const FIRST_DAY = Date.UTC(1940, 0, 1)
const DAY_MS = 86_400_000
/** The days before it are of one entry each. */
export const SHARED_DAYS_FROM = '2025-03-01'
/** One write in so many is a batch, all or none; one in so many is sent again after its 201, as if that had been lost. */
const BATCH_EVERY = 25
const BATCH_ROWS = 5
const AGAIN_EVERY = 20
const CENTS_MAX = 100_000
const CREDITS = 0.6

const pickMerchant = (random: Random): string => `loja-${random.int(1, MERCHANTS)}`

const entryBody = ({ tipo, centavos: cents, data, chave }: Sent) => {
  return { tipo, valor: (cents / 100).toFixed(2), data, descricao: chave }
}

/** The key under which the ledger keeps a line of a batch (`chaveDaEntrada` of lancamentos). */
const lineKey = (chave: string, line: number): string =>
  `lote:${hash('sha256', `${line}:${chave}`, 'hex').slice(0, 32)}`

type WriterDeps = { client: CarefulClient; model: Model; random: Random; urls: () => string[] }

/** Clients that write, and keep the books of what they wrote. */
export const createWriter = ({ client, model, random, urls }: WriterDeps): Writer => {
  const alone: Sent[] = []
  let number = 0

  const entry = (chave: string, comerciante: string): Sent => ({
    chave,
    comerciante,
    data: `2025-03-0${random.int(1, DAYS)}`,
    tipo: random.chance(CREDITS) ? 'CREDITO' : 'DEBITO',
    centavos: random.int(1, CENTS_MAX),
  })
  const newWrite = (): Write => {
    number += 1
    const [comerciante, chave] = [pickMerchant(random), `k-${number}`]
    if (number % BATCH_EVERY !== 0) {
      const one = entry(chave, comerciante)
      if (number % ALONE_EVERY === 0)
        one.data = new Date(FIRST_DAY + (number / ALONE_EVERY) * DAY_MS).toISOString().slice(0, 10)
      return { entries: [one], chave, comerciante, path: '/lancamentos', body: JSON.stringify(entryBody(one)) }
    }
    const entries = Array.from({ length: BATCH_ROWS }, (_, i) => entry(lineKey(chave, i + 1), comerciante))
    const body = JSON.stringify(entries.map(entryBody))
    return { entries, chave, comerciante, path: '/lancamentos/lote?atomico=true', body }
  }
  const acknowledge = (sent: Sent, id: string | undefined, posicao?: number): void => {
    const wrong =
      id === undefined ? `${sent.chave} was answered without an id` : model.acknowledge(sent, { id, posicao })
    if (wrong !== undefined) client.complain(wrong)
    if (posicao === undefined || sent.data >= SHARED_DAYS_FROM) return
    alone.push(sent)
    if (alone.length > ALONE_KEPT) alone.shift()
  }
  const note = ({ entries, chave }: Write, answer: Answer): void => {
    if (answer.status === 201) {
      const posicao = Number(String(answer.headers['fluxo-posicao']).split(':')[1])
      for (const sent of entries) acknowledge(sent, JSON.parse(answer.body).id, posicao)
    } else if (answer.status === 200) {
      const results: { id?: string }[] = JSON.parse(answer.body)
      for (const [i, sent] of entries.entries()) acknowledge(sent, results[i]?.id)
    } else client.complain(`${chave} was answered ${answer.status}: ${answer.body}`)
  }
  return {
    write: async () => {
      const made = newWrite()
      for (const sent of made.entries) model.send(sent)
      const addresses = random.shuffle(urls()).map((url) => `${url}${made.path}`)
      const headers = {
        ...(await client.authorization(made.comerciante)),
        'Content-Type': 'application/json',
        'Idempotency-Key': `"${made.chave}"`,
      }
      const times = random.int(1, AGAIN_EVERY) === 1 ? 2 : 1
      for (let i = 0; i < times; i += 1) {
        const request = { method: 'POST', headers, body: made.body }
        const answer = await client.persist(addresses, request)
        if (answer !== undefined) note(made, answer)
      }
    },
    alone: () => alone,
  }
}
