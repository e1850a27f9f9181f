import { efeitoDeGuardar } from '@fluxo/shared/follow/dead-letters'
import { applyStatement, type Effect } from '@fluxo/shared/inbox/statement'
import type { Parameter, Row, Statement } from '../postgres-server.ts'
import { inboxOf, isNew, note, placesOf, refusalOf } from '../projection-database.ts'
import type { InboxRow } from '../projection-state.ts'
import type { Followed } from './orders-state.ts'

/** What a follower's effect means: what it sees from its beginning, and what it does with the rows that are new. */
export type Meaning = {
  snapshot?: () => unknown
  /** `taken`: which places of the batch are new. Gives the statement's `resultado`. */
  effect: (taken: readonly number[], parameters: readonly Parameter[], snapshot: unknown) => string | null
}

export type FollowerStatementsDeps<R> = {
  inbox: Map<number, InboxRow>
  group: string
  effect: Effect<R, unknown>
  apply: Meaning
  onFollowed: (followed: Followed) => void
  onLetter: (what: string) => void
}

/** The two statements by which a follower notes positions: with its effect, and as dead letters. */
export function applyStatements<R>(deps: FollowerStatementsDeps<R>): readonly Statement[] {
  const { group, onFollowed, onLetter } = deps
  const applied = statementOf(deps, applyStatement(deps.effect), deps.apply, onFollowed)
  const passed = statementOf(deps, applyStatement(efeitoDeGuardar), { effect: () => null }, ({ particao, posicao }) =>
    onLetter(`${group} buried ${particao}:${posicao}`),
  )
  return [applied, passed]
}

/** Under the partition's lock, by the inbox's row as its last holder left it. */
function statementOf<R>(
  state: FollowerStatementsDeps<R>,
  own: string,
  { snapshot, effect }: Meaning,
  onTaken: (followed: Followed) => void,
): Statement {
  return {
    matches: (text) => text === own,
    lock: ([particao]) => `inbox ${particao}`,
    ...(snapshot && { snapshot }),
    run: (parameters, seen): Row[] => {
      const row = inboxOf(state, parameters)
      const motivo = refusalOf(row, parameters)
      const places = placesOf(parameters)
      const taken = places.flatMap(({ posicao }, i) => (motivo === null && isNew(row, posicao) ? [i] : []))
      const answer = { motivo, epoca: row.epoca, divergente: row.divergente, novos: taken.length }
      const resultado = effect(taken, parameters, seen)
      const noted = taken.flatMap((i) => places[i] ?? [])
      const epoca = parameters[1]
      note(row, noted, epoca === null || epoca === undefined ? null : String(epoca))
      for (const place of noted) onTaken({ group: state.group, particao: row.particao, ...place })
      return [{ ...answer, resultado }]
    },
  }
}
