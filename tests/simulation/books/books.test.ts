import { testSearch } from '../search-fixture.ts'
import { BOOKS } from './books.ts'

testSearch(BOOKS, {
  shrinks: { bug: 'dedupe-in-memory', part: 'posts' },
  sees: ['is told', '(repeated)', 'database  applies', 'database  buries', '(hit)', '(miss)', '(stale)', '(bypass)'],
})
