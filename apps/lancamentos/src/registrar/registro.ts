import { invariant } from '@fluxo/shared/errors'
import type { Lugar } from '@fluxo/shared/http/posicao'
import type { Appended } from '@fluxo/shared/log/append'
import { impressaoDe } from '../domain/impressao.ts'
import type { Lancamento } from '../domain/lancamento.ts'
import { type Item, type LedgerRow, lancamentoDe } from './ledger-table.ts'

/** What became of an entry. In every conflict, `lancamento` is the one that was there first. */
export type Registro = Lugar & { lancamento: Lancamento } & (
    | { desfecho: 'criado' }
    /** The same key with the same content: the entry of then, again. */
    | { desfecho: 'repetido' }
    | { desfecho: 'conflito-de-chave' }
    /** `mesmoConteudo`: whether the entry that has this `referencia` says the very same. */
    | { desfecho: 'conflito-de-referencia'; mesmoConteudo: boolean }
    | { desfecho: 'ja-estornado' }
  )

/** Reads what the log answered for one entry. Throws what PostgreSQL said of a row that validation should have refused. */
export const registroDe = (item: Item, particao: number, appended: Appended<LedgerRow>): Registro => {
  if (appended.outcome === 'recusado') throw appended.error
  const { posicao } = appended
  if (appended.outcome === 'novo') return { desfecho: 'criado', particao, posicao, lancamento: item.lancamento }
  const lancamento = lancamentoDe(appended.row)
  // One statement writes for many merchants, so row-level security cannot stand behind it: this does.
  invariant(
    lancamento.comercianteId === item.lancamento.comercianteId,
    'what an entry is known by is its own merchant’s',
  )
  const mesmoConteudo = appended.row.impressao === impressaoDe(item.lancamento)
  switch (appended.via) {
    case 'chave':
      return { desfecho: mesmoConteudo ? 'repetido' : 'conflito-de-chave', particao, posicao, lancamento }
    case 'referencia':
      return { desfecho: 'conflito-de-referencia', mesmoConteudo, particao, posicao, lancamento }
    default:
      invariant(appended.via === 'estorna', `an entry is known by one of its keys, not by ${appended.via}`)
      return { desfecho: 'ja-estornado', particao, posicao, lancamento }
  }
}

/** True where the entry is in the books as it was asked for: a batch that must be whole accepts nothing else. */
export const aceito = (registro: Registro): boolean =>
  registro.desfecho === 'criado' ||
  registro.desfecho === 'repetido' ||
  (registro.desfecho === 'conflito-de-referencia' && registro.mesmoConteudo)
