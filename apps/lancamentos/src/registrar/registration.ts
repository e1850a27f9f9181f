import { invariant } from '@fluxo/shared/errors'
import type { LogPosition } from '@fluxo/shared/http/posicao'
import type { Appended } from '@fluxo/shared/log/append'
import { knownOutcome, type WriteOutcome } from '@fluxo/shared/outcome'
import { impressaoOf } from '../domain/impressao.ts'
import type { Lancamento } from '../domain/lancamento.ts'
import { type Item, type LedgerRow, lancamentoOf } from './ledger-table.ts'

/** What became of an entry. In every conflict, `lancamento` is the one that was there first. */
export type Registration = LogPosition & { lancamento: Lancamento } & (WriteOutcome | { outcome: 'already-reversed' })

/** Reads what the log answered for one entry. Throws what PostgreSQL said of a row that validation should have refused. */
export const registrationOf = (item: Item, particao: number, appended: Appended<LedgerRow>): Registration => {
  if (appended.outcome === 'refused') throw appended.error
  const { posicao } = appended
  if (appended.outcome === 'new') return { outcome: 'created', particao, posicao, lancamento: item.lancamento }
  const lancamento = lancamentoOf(appended.row)
  // One statement writes for many merchants, so row-level security cannot stand behind it: this does.
  invariant(
    lancamento.comercianteId === item.lancamento.comercianteId,
    'what an entry is known by is its own merchant’s',
  )
  const { via } = appended
  if (via === 'estorna') return { outcome: 'already-reversed', particao, posicao, lancamento }
  const sameContent = appended.row.impressao === impressaoOf(item.lancamento)
  return { ...knownOutcome(via, sameContent), particao, posicao, lancamento }
}
