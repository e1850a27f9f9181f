import { Indisponivel } from '../errors.ts'
import type { Inbox, Posicionado } from '../inbox/inbox.ts'
import type { Effect, InboxTable } from '../inbox/statement.ts'
import { isInfrastructure } from '../postgres/failure.ts'
import type { Sql } from '../postgres/sql.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import { createLetterStore, reapply } from './letter-store.ts'

/** An event as its follower reads it; `motivo` names what is wrong, never what was in it. */
export type Lido<Row> = { ok: true; epoca: string; row: Row } | { ok: false; motivo: string }

/** A row that can never be applied, and why. */
export type Recusado = { posicao: number; motivo: string }

/** A group of a log: how it reads an event, what it does with it, and where it notes that. */
export type Group<Row extends Posicionado> = {
  /** The consumer group. */
  grupo: string
  /** The group's own inbox, where its database has more than one; by default `inbox_particao`. */
  table?: InboxTable
  /** Reads one event, parsed from JSON. Whatever it throws makes poison of that event. */
  ler: (posicao: number, evento: unknown) => Lido<Row>
  /** What is done with new rows, in the statement that notes them. */
  effect: Effect<Row, unknown>
  /**
   * What is done before the rows are noted, where that cannot be one statement with it. Must be idempotent: it happens
   * again for rows that were given before. Gives the rows that can never be applied; a rejection means "not now".
   */
  antes?: (particao: number, rows: readonly Row[]) => Promise<readonly Recusado[]>
}

type Ler<Row> = (posicao: number, evento: unknown) => Lido<Row>

/** Reads an event of the log. */
export function readEvent<Row>(ler: Ler<Row>, posicao: number, evento: unknown): Lido<Row> {
  try {
    return ler(posicao, evento)
  } catch (error) {
    return { ok: false, motivo: `the reader throws ${error instanceof Error ? error.name : typeof error}` }
  }
}

/** The same from its JSON text. */
export function readText<Row>(ler: Ler<Row>, posicao: number, body: string): Lido<Row> {
  let evento: unknown
  try {
    evento = JSON.parse(body)
  } catch {
    return { ok: false, motivo: 'not JSON' }
  }
  return readEvent(ler, posicao, evento)
}

type GroupLettersDeps<Row extends Posicionado> = { inbox: Inbox<Row, unknown>; sql: Sql; log: Logger }

/** The dead letters of a group: kept beside its inbox, and applied again by its own effect. */
export function createGroupLetters<Row extends Posicionado>(
  { grupo, table, ler, antes }: Group<Row>,
  { inbox, sql, log }: GroupLettersDeps<Row>,
): DeadLetters {
  return createDeadLetters({
    store: createLetterStore(sql, table),
    isInfrastructure: (error) => error instanceof Indisponivel || isInfrastructure(error),
    log: log.child({ grupo }),
    reapply: async ({ particao, posicao, body }) => {
      const lido = readText(ler, posicao, body)
      if (!lido.ok) throw new Error(lido.motivo)
      const { epoca, row } = lido
      const marca = (await inbox.marcas()).find((um) => um.particao === particao)
      if (marca?.epoca && marca.epoca !== epoca) throw new Error('an event of a log that is no more')
      const [recusado] = (await antes?.(particao, [row])) ?? []
      if (recusado !== undefined) throw new Error(recusado.motivo)
      await reapply(inbox, { particao, epoca, rows: [row] }, table)
    },
  })
}
