import {
  type Entry,
  importFile,
  list,
  lote,
  readDay,
  readLog,
  readOne,
  readPeriod,
  readState,
  register,
  reverse,
  type Secrets,
  withChave,
} from './merchant.ts'
import type { Call } from './world.ts'

/** What an attempt may use: the other merchant's secrets, and what it recorded under them. */
type Target = Secrets & { entries: readonly Entry[] }

const PLAIN: Entry = { tipo: 'CREDITO', valor: '1.00', data: '2025-10-15' }
/** A valid id that was never given. */
const NEVER_GIVEN = '01a00000-0000-7000-8000-000000000000'

/**
 * Everything that one merchant can try with another's secrets, at every route: the same values are sent in the world where
 * they mean something and in the one where they mean nothing.
 *
 * `author` is the word in the descriptions of who tries.
 */
export const attempts = (target: Target, author: string): Call[] => [
  ...byId(target),
  ...byCursor(target),
  ...byContent(target, author),
  ...byEtag(target),
  ...['', '?particao=0', '?particao=1&depois_de=0&limite=1'].map((query) => withStatus(403, readLog(query))),
  withStatus(403, readState(author)),
]

const withStatus = (expected: number, call: Call): Call => ({ ...call, expected })
const asNotFound = (call: Call): Call => withStatus(404, call)

const byId = ({ ids, chaves }: Target): Call[] => [
  ...[...ids, NEVER_GIVEN].map((id) => asNotFound(readOne(id))),
  ...ids.map((id) => asNotFound(readOne(id.toUpperCase()))),
  ...[...ids.slice(0, 3), NEVER_GIVEN].map((id) => asNotFound(reverse(id))),
  ...ids.slice(0, 2).map((id) => asNotFound(reverse(id, chaves[0] ?? 'k'))),
]

const byCursor = ({ cursors, days, referencias }: Target): Call[] => [
  ...cursors.map((cursor) => withStatus(400, list(`?cursor=${cursor}`))),
  ...days.map((day) => list(`?data=${day}`)),
  ...referencias.map((referencia) => list(`?referencia=${encodeURIComponent(referencia)}`)),
  list('?limite=200'),
]

/** Writes with the same keys, `referencia` and files: each is the first of its kind for who sends it now. */
const byContent = ({ entries, chaves, referencias, canary }: Target, author: string): Call[] => [
  // The very same request, description and all, and one that differs in its content.
  ...entries.slice(0, 2).map((entry) => register(entry, canary)),
  ...chaves.slice(0, 2).map((chave) => register({ ...PLAIN, valor: '7.77', chave }, author)),
  ...referencias.slice(0, 2).map((referencia) => register({ ...PLAIN, referencia }, author)),
  lote(entries, canary, chaves[0]),
  lote(entries, author, chaves[0], '?atomico=true'),
  lote([PLAIN, ...referencias.map((referencia) => ({ ...PLAIN, referencia }))], author),
  importFile(entries, canary),
  importFile([PLAIN, ...entries], author),
]

const byEtag = ({ etags, days }: Target): Call[] => [
  // Never 304: another one's tag names nothing of one's own, however alike the days are.
  ...days.map((day) => withStatus(200, readDay(day, { 'if-none-match': etags.join(', ') }))),
  withStatus(200, readPeriod({ 'if-none-match': etags.join(', ') })),
  readPeriod({ accept: 'text/csv' }),
  readPeriod(withChave('x'), '?de=2025-10-14&ate=2025-10-16'),
  // Far beyond every position: nobody's, and the same refusal.
  withStatus(503, readDay('2025-10-15', { 'fluxo-posicao': '0:9000000000', prefer: 'wait=0' })),
]
