import type { Lancamento } from '../../../apps/lancamentos/src/domain/lancamento.ts'
import type { LancamentoStore } from '../../../apps/lancamentos/src/registrar/store.ts'
import { guards, moveOf } from './move-statements.ts'
import { dueOf, takenRow, takeOf } from './orders-database.ts'
import { stepKey } from './orders-state.ts'
import type { Seams } from './seams.ts'

/** The order's status and version by the events that the snapshot sees. */
export const guardByTheSnapshot: Seams = {
  move: (state) =>
    moveOf(state, (current, row, { events }, snapshot) => {
      const seen = events.findLast((event) => event.pedido_id === current.id && event.commit <= snapshot)
      return seen !== undefined && guards({ ...current, status: seen.status, version: seen.seq }, row)
    }),
}

export const moveWithoutVersion: Seams = {
  move: (state) => moveOf(state, (current, row) => guards(current, { ...row, versao: null })),
}

export const cancelledBeforeItsKey: Seams = {
  reads: (real) => ({ ...real, byChave: async () => undefined }),
}

export const stepGoneWhenTaken: Seams = {
  take: (state) => ({
    ...takeOf(state),
    run: (parameters, snapshot) => {
      const due = dueOf(state, parameters, snapshot)
      for (const step of due) state.steps.delete(stepKey(step))
      return due.map(takenRow)
    },
  }),
}

/** Answers at once, and registers afterwards: a reversal once its entry is there. */
export const moneyAfterTheMark = (): Seams => {
  const entries = new Map<Lancamento['id'], Promise<Lancamento | undefined>>()
  return {
    registrar: (real) => async (item) => {
      const { lancamento } = item
      const register = async (): Promise<Lancamento | undefined> => {
        const reversed = lancamento.estorna === undefined ? undefined : await entries.get(lancamento.estorna)
        const estorna = reversed?.id ?? lancamento.estorna
        return (await real({ ...item, lancamento: { ...lancamento, estorna } })).lancamento
      }
      entries.set(
        lancamento.id,
        register().catch(() => undefined),
      )
      return { outcome: 'created', particao: 0, posicao: 0, lancamento }
    },
  }
}

export const entryWithoutItsKey: Seams = {
  registrar: (real) => async (item) => {
    const { referencia: _, ...lancamento } = item.lancamento
    return real(lancamento.estorna === undefined ? { lancamento } : { ...item, lancamento })
  },
}

type Registrar = LancamentoStore['registrar']

export const reversalAlone = (): Seams => ({
  registrar: (real): Registrar => {
    const made = new Set<Lancamento['id']>()
    return async (item) => {
      const { estorna } = item.lancamento
      if (estorna !== undefined && !made.has(estorna))
        return { outcome: 'repeated', particao: 0, posicao: 0, lancamento: item.lancamento }
      const registered = await real(item)
      if (registered.outcome === 'created') made.add(registered.lancamento.id)
      return registered
    }
  },
})
