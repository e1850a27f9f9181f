import type { FollowerSeams } from '../planted-in-a-follower.ts'
import type { Statement } from '../servers/postgres-server.ts'
import type { Noting } from './note-statement.ts'
import type { NoticesState } from './notices-state.ts'

/** Where a planted bug stands in for a part of the product. */
export type Seams = FollowerSeams & {
  note?: (state: NoticesState) => Noting
  claim?: (state: NoticesState) => Statement
  awaitTurn?: Statement
}
