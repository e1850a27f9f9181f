import { Unavailable } from '../errors.ts'
import { createInbox, type Positioned } from '../inbox/inbox.ts'
import { readText } from '../log/event.ts'
import { isInfrastructure } from '../postgres/failure.ts'
import { reasonOf } from '../postgres/isolate.ts'
import type { Sql } from '../postgres/sql.ts'
import { commitOf } from './apply.ts'
import type { DeadLetter } from './dead-letters.ts'
import type { Group } from './group.ts'
import { createLetterStore, reapply } from './letter-store.ts'

/** What a redrive did; a letter that failed again stays, with one attempt more and the new reason. */
export type Redriven = { applied: number; failed: { particao: number; posicao: number; reason: string }[] }

/**
 * Gives at most `limit` dead letters of a group to its own effect again, one by one, each applied once whoever else does the same.
 *
 * Rejects at the first error that is the database's or another service's: it is no attempt of the letter.
 */
export async function redriveLetters<Row extends Positioned, Touched>(
  group: Group<Row, Touched>,
  sql: Sql,
  limit: number,
): Promise<Redriven> {
  const apply = reapplying(group, sql)
  const store = createLetterStore(sql, group.inbox)
  const redriven: Redriven = { applied: 0, failed: [] }
  for (const letter of await store.list({ limit })) {
    const { particao, posicao, tentativas: attempts } = letter
    try {
      await apply(letter)
    } catch (error) {
      if (error instanceof Unavailable || isInfrastructure(error)) throw error
      const reason = reasonOf(error)
      await store.put({ ...letter, motivo: reason, tentativas: attempts + 1 })
      redriven.failed.push({ particao, posicao, reason })
      continue
    }
    await store.mark(letter)
    redriven.applied += 1
  }
  return redriven
}

function reapplying<Row extends Positioned, Touched>(group: Group<Row, Touched>, sql: Sql) {
  const { read, effect, before, committed, inbox: table } = group
  const inbox = createInbox({ sql, effect, table })
  return async ({ particao, posicao, body }: DeadLetter): Promise<void> => {
    const event = readText(read, posicao, body)
    if (event.outcome === 'unreadable') throw new Error(event.reason)
    const { epoca, row } = event
    const watermark = (await inbox.watermarks()).find((one) => one.particao === particao)
    if (watermark?.epoca && watermark.epoca !== epoca) throw new Error('an event of a log that is no more')
    const [refused] = (await before?.(particao, [row])) ?? []
    if (refused !== undefined) throw new Error(refused.reason)
    const applied = await reapply(inbox, { particao, epoca, rows: [row] }, table)
    await committed?.(commitOf({ particao, origin: 'redrive', rows: [row] }, [applied]))
  }
}
