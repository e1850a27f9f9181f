import { testSearch } from '../search-fixture.ts'
import { ORDERS } from './orders.ts'

testSearch(ORDERS, {
  shrinks: { bug: 'step-gone-when-taken', part: 'orders' },
  sees: [
    // Moves of all kinds, refusals, deliveries that are paid and returned.
    ...['IN_TRANSIT (fluxo)', 'DELIVERED (fluxo)', 'CANCELLED (api)', 'RETURNING (api)', 'RETURNED (api)'],
    ...['transicao-invalida', 'versao-desatualizada', 'lancamentos  has followed', 'entregas  has followed'],
  ],
})
