import type { LedgerDatabase, LedgerEntry } from '../servers/ledger-database.ts'
import type { Letter, Taken } from '../servers/projection-state.ts'
import { poisonOf } from './poison.ts'

/** What a client was told: this entry, at this place, is durable. */
type Acknowledged = { post: number; particao: number; posicao: number; id: string }

/** Knows what was acknowledged and what was applied, and says where the product is wrong. */
export type Model = {
  /** Its complaints, in the order in which they came up. */
  readonly failures: readonly string[]
  complain(what: string): void
  acknowledged(ack: Acknowledged): void
  isAcknowledged(post: number): boolean
  applied(taken: Taken): void
  buried(letter: Letter): void
  /** Whether every entry that can be applied was. */
  allApplied(): boolean
  /** Judges the ledger and what was made of it, once everything is at rest. */
  judge(particoes: number): void
}

const place = ({ particao, posicao }: { particao: number; posicao: number }): string => `${particao}:${posicao}`

/** A model of the ledger that `database` holds. */
export function createModel(database: LedgerDatabase): Model {
  const failures: string[] = []
  const acks = new Map<number, Acknowledged>()
  const timesApplied = new Map<string, number>()
  const letters = new Set<string>()
  const complain = (what: string): void => void failures.push(what)
  const entryAt = (at: { particao: number; posicao: number }): LedgerEntry | undefined =>
    database.entries.find(({ particao, posicao }) => particao === at.particao && posicao === at.posicao)

  return {
    failures,
    complain,
    isAcknowledged: (post) => acks.has(post),
    acknowledged: (ack) => {
      const before = acks.get(ack.post)
      if (before !== undefined && (before.id !== ack.id || place(before) !== place(ack))) {
        complain(`request ${ack.post} was answered with two entries, ${place(before)} and ${place(ack)}`)
      }
      if (entryAt(ack)?.id !== ack.id)
        complain(`request ${ack.post} was told ${place(ack)}, which is not in the ledger`)
      acks.set(ack.post, ack)
    },
    applied: (taken) => {
      const times = (timesApplied.get(place(taken)) ?? 0) + 1
      timesApplied.set(place(taken), times)
      if (times > 1) complain(`${place(taken)} was applied ${times} times`)
      const entry = entryAt(taken)
      if (entry?.id !== taken.id) complain(`${place(taken)} was applied, which is not the ledger's`)
      if (entry !== undefined && poisonOf(entry.valor)) complain(`${place(taken)} is poison and was applied`)
    },
    buried: (letter) => {
      letters.add(place(letter))
      const entry = entryAt(letter)
      if (entry === undefined || poisonOf(entry.valor) === undefined) {
        complain(`${place(letter)} became a dead letter and is no poison: ${letter.motivo}`)
      }
    },
    allApplied: () =>
      database.entries.every((entry) => poisonOf(entry.valor) !== undefined || timesApplied.has(place(entry))),
    judge: (particoes) => {
      judgePositions(database, particoes, complain)
      judgeRequests(database.entries, acks, complain)
      for (const entry of database.entries) {
        const poison = poisonOf(entry.valor) !== undefined
        if (!poison && !timesApplied.has(place(entry))) complain(`${place(entry)} was never applied`)
        if (poison && !letters.has(place(entry))) complain(`${place(entry)} is poison and has no letter`)
      }
    },
  }
}

function judgePositions(database: LedgerDatabase, particoes: number, complain: Model['complain']): void {
  for (let particao = 0; particao < particoes; particao += 1) {
    const posicoes = database.entries.filter((entry) => entry.particao === particao).map(({ posicao }) => posicao)
    const whole = posicoes.sort((a, b) => a - b).every((posicao, i) => posicao === i + 1)
    if (!whole || posicoes.length !== database.ultima(particao)) {
      complain(`partition ${particao} counts to ${database.ultima(particao)} and has positions ${posicoes.join(' ')}`)
    }
  }
}

/** An entry says in its description which request it comes from. */
export const descricaoOf = (post: number): string => `pedido ${post}`

function judgeRequests(
  entries: readonly LedgerEntry[],
  acks: ReadonlyMap<number, Acknowledged>,
  complain: Model['complain'],
): void {
  const counts = new Map<string, number>()
  for (const { descricao } of entries) counts.set(descricao, (counts.get(descricao) ?? 0) + 1)
  for (const [descricao, count] of counts) if (count > 1) complain(`${descricao} is in the ledger ${count} times`)
  for (const { post, id } of acks.values()) {
    if (!entries.some((entry) => entry.id === id))
      complain(`${descricaoOf(post)} was acknowledged and is not in the ledger`)
  }
}
