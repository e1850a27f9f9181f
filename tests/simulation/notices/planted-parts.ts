import { AWAIT_TURN, claimedRow, claimOf, dueOf } from './delivery-statements.ts'
import { noting } from './note-statement.ts'
import type { DeliveryRow, NoticesState } from './notices-state.ts'
import type { Seams } from './seams.ts'

export const numberByTheSnapshot: Seams = {
  note: (state) =>
    noting(state, (merchant, { listeners }) => listeners.find((one) => one.comerciante_id === merchant)?.ultimo ?? 0),
}

/** A webhook is taken up again past those who still take it for disabled. */
export const resumedOutOfTurn: Seams = { awaitTurn: { ...AWAIT_TURN, lock: () => undefined } }

export const deliveryWithARandomId = (): Seams => {
  let made = 0
  return {
    note: (state) => {
      const real = noting(state)
      return {
        ...real,
        effect: (...given) => {
          const known = new Set(state.deliveries.keys())
          const result = real.effect(...given)
          for (const [id, delivery] of [...state.deliveries]) {
            if (known.has(id)) continue
            made += 1
            const other = `01a1fbc4-0000-4000-8000-${String(made).padStart(12, '0')}`
            state.deliveries.delete(id)
            state.deliveries.set(other, { ...delivery, id: other })
          }
          return result
        },
      }
    },
  }
}

/** Takes what is due, and `leave` says what is left of it in the database. */
const taking = (leave: (delivery: DeliveryRow) => void) => (state: NoticesState) => ({
  ...claimOf(state),
  run: (...[parameters, snapshot]: Parameters<ReturnType<typeof claimOf>['run']>) => {
    const due = dueOf(state, parameters, snapshot)
    return due.map((delivery) => {
      delivery.tentativas += 1
      const row = claimedRow(state, delivery)
      leave(delivery)
      return row
    })
  },
})

export const deliveryGoneWhenTaken: Seams = {
  claim: taking((delivery) => {
    delivery.vence_em = null
  }),
}

export const deliveredWhenTaken: Seams = {
  claim: taking((delivery) => Object.assign(delivery, { vence_em: null, situacao: 1 })),
}
