import { invariant } from '@fluxo/shared/errors'
import type { LogPosition } from '@fluxo/shared/http/posicao'
import type { Appended } from '@fluxo/shared/log/append'
import { impressaoOf } from '../domain/impressao.ts'
import type { Lancamento } from '../domain/lancamento.ts'
import { type Item, type LedgerRow, lancamentoOf } from './ledger-table.ts'

/** What became of an entry. In every conflict, `lancamento` is the one that was there first. */
export type Registration = LogPosition & { lancamento: Lancamento } & (
    | { outcome: 'created' }
    /** The same key with the same content: the entry of then, again. */
    | { outcome: 'repeated' }
    | { outcome: 'key-conflict' }
    /** `sameContent`: whether the entry that has this `referencia` says the very same. */
    | { outcome: 'reference-conflict'; sameContent: boolean }
    | { outcome: 'already-reversed' }
  )

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
  const sameContent = appended.row.impressao === impressaoOf(item.lancamento)
  switch (appended.via) {
    case 'chave':
      return { outcome: sameContent ? 'repeated' : 'key-conflict', particao, posicao, lancamento }
    case 'referencia':
      return { outcome: 'reference-conflict', sameContent, particao, posicao, lancamento }
    default:
      invariant(appended.via === 'estorna', `an entry is known by one of its keys, not by ${appended.via}`)
      return { outcome: 'already-reversed', particao, posicao, lancamento }
  }
}

/** True where the entry is in the books as it was asked for: a batch that must be whole accepts nothing else. */
export const isAccepted = (registration: Registration): boolean =>
  registration.outcome === 'created' ||
  registration.outcome === 'repeated' ||
  (registration.outcome === 'reference-conflict' && registration.sameContent)
