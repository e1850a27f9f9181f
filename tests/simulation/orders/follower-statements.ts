import type { Parameter, Row, Statement } from '../servers/postgres-server.ts'
import { inboxOf, isNew, note, placesOf, refusalOf } from '../servers/projection-database.ts'
import { letterStatements } from '../servers/projection-readings.ts'
import { type InboxRow, type Letter, letterKey } from '../servers/projection-state.ts'
import type { Followed } from './orders-state.ts'

/** What a follower's effect means: what it sees from its beginning, and what it does with the rows that are new. */
type Meaning = {
  snapshot?: () => unknown
  /** `taken`: which places of the batch are new. Gives the statement's `result`. */
  effect: (taken: readonly number[], parameters: readonly Parameter[], snapshot: unknown) => string | null
}

type FollowerStatementsDeps = {
  inbox: Map<number, InboxRow>
  group: string
  apply: Meaning
  letters: Map<string, Letter>
  onFollowed: (followed: Followed) => void
  onLetter: (group: string, letter: Letter) => void
}

/** The statements by which a follower notes positions, with its effect and without, and keeps dead letters. */
export function applyStatements(deps: FollowerStatementsDeps): readonly Statement[] {
  const { group, letters, onFollowed, onLetter } = deps
  const applied = statementOf(deps, 'inbox.apply', deps.apply, onFollowed)
  const passed = statementOf(deps, 'inbox.pass', { effect: () => null }, ({ particao, posicao }) => {
    const letter = letters.get(letterKey(particao, posicao))
    if (letter !== undefined) letter.pulada = true
  })
  return [applied, passed, ...letterStatements({ letters, onLetter: (letter) => onLetter(group, letter) })]
}

/** Under the partition's lock, by the inbox's row as its last holder left it. */
function statementOf(
  state: FollowerStatementsDeps,
  name: string,
  { snapshot, effect }: Meaning,
  onTaken: (followed: Followed) => void,
): Statement {
  return {
    name,
    lock: ([particao]) => `inbox ${particao}`,
    ...(snapshot && { snapshot }),
    run: (parameters, seen): Row[] => {
      const row = inboxOf(state, parameters)
      const reason = refusalOf(row, parameters)
      const places = placesOf(parameters)
      const taken = places.flatMap(({ posicao }, i) => (reason === null && isNew(row, posicao) ? [i] : []))
      const answer = { motivo: reason, epoca: row.epoca, divergente: row.divergente, novos: taken.length }
      const result = effect(taken, parameters, seen)
      const noted = taken.flatMap((i) => places[i] ?? [])
      const epoca = parameters[1]
      note(row, noted, epoca === null || epoca === undefined ? null : String(epoca))
      for (const place of noted) onTaken({ group: state.group, particao: row.particao, ...place })
      return [{ ...answer, resultado: result }]
    },
  }
}
