import { testSearch } from '../search-fixture.ts'
import { NOTICES } from './notices.ts'

testSearch(NOTICES, {
  shrinks: { bug: 'delivery-gone-when-taken', part: 'orders' },
  alsoFaults: ['postgres-restored'],
  sees: ['avisos  notes', 'and says 204', 'and says 503', 'and says 410', 'asks for webhook', '! postgres-restored'],
})
