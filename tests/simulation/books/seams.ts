import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import type { Group } from '@fluxo/shared/follow/group'
import type { ReadPage } from '@fluxo/shared/log/pages'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Saldo } from '../../../apps/consolidado/src/domain/saldo.ts'
import type { SignedLancamento } from '../../../apps/consolidado/src/projetar/projetar.ts'
import type { LancamentoStore } from '../../../apps/lancamentos/src/registrar/store.ts'
import type { FollowerSeams } from '../planted-in-a-follower.ts'
import type { LedgerState } from '../servers/ledger-database.ts'
import type { Statement } from '../servers/postgres-server.ts'
import type { ProjectionState } from '../servers/projection-state.ts'
import type { Scripts } from '../servers/redis-scripts.ts'

/**
 * Where a planted bug stands in for a part of the product: a statement or a script that means something else, a command
 * that is sent otherwise, or a part that is wrapped. Nothing of it is known to production code.
 */
export type Seams = FollowerSeams & {
  append?: (state: LedgerState) => Statement
  apply?: (state: ProjectionState) => Statement
  scripts?: Partial<Scripts>
  readPage?: (real: ReadPage, sql: Sql) => ReadPage
  registrar?: (real: LancamentoStore['registrar']) => LancamentoStore['registrar']
  /** The pool of the projection. */
  sql?: (real: Sql) => Sql
  cache?: (real: VersionedCache) => VersionedCache
  projection?: (real: Group<SignedLancamento, Saldo[]>) => Group<SignedLancamento, Saldo[]>
}
