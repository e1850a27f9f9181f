import { createLetterStore } from '@fluxo/shared/follow/letter-store'
import { codeOf } from '@fluxo/shared/postgres/failure'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { type Database, hasServiceUrl, serviceUrl } from './access.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'
import { KEEPERS } from './letters.ts'

const LIMIT_DEFAULT = '100'
const LIMIT_MAX = 10_000
/** A command of its own needs few connections. */
const CONNECTIONS = 2

const DATABASES = ['consolidado', 'lancamentos', 'entregas', 'avisos'] as const satisfies readonly Database[]
type Posicao = { particao: number; posicao: number }
type WaitingLetter = Posicao & { grupo: string; tentativas: number; motivo: string; evento: string }

/** A command over one database. Gives how many letters it had to do with. */
type Work = (sql: Sql, database: Database) => Promise<number>

const withSql = async (database: Database, work: Work): Promise<number> => {
  const sql = createSql({ url: await serviceUrl(database), max: CONNECTIONS, name: 'dlq' })
  try {
    return await work(sql, database)
  } finally {
    await closeSql(sql)
  }
}

/** Does it on each database that is known here, one after the other; one that is away is named, and the others are served. */
const overAll = async (work: Work): Promise<{ letters: number; away: number }> => {
  const known: Database[] = []
  for (const database of DATABASES) if (await hasServiceUrl(database)) known.push(database)
  const [only] = known
  if (only === undefined || known.length === 1) return { letters: await withSql(only ?? DATABASES[0], work), away: 0 }
  let [letters, away] = [0, 0]
  for (const database of known) {
    try {
      letters += await withSql(database, work)
    } catch (error) {
      away += 1
      console.error(`fluxo: ${database}: ${(error instanceof Error && error.message) || codeOf(error) || 'away'}`)
    }
  }
  return { letters, away }
}

/** The letters that wait in a database, group by group, oldest first, or those at a position. */
const lettersIn = async (sql: Sql, database: Database, limit: number, at?: Posicao): Promise<WaitingLetter[]> => {
  const found: WaitingLetter[] = []
  for (const { group, table } of KEEPERS[database]) {
    const left = limit - found.length
    if (left === 0) break
    const letters = await createLetterStore(sql, table).list({ limit: left, at })
    found.push(...letters.map(({ body, ...letter }) => ({ grupo: group, ...letter, evento: body })))
  }
  return found
}

const line = ({ grupo: group, particao, posicao, tentativas: attempts, motivo: reason }: WaitingLetter): string =>
  `${group}  ${particao}:${posicao}  attempts ${attempts}  ${reason}`

const list = ({ limite: limit, json }: { limite: number; json: boolean }): Work => {
  return async (sql, database) => {
    const letters = await lettersIn(sql, database, limit)
    for (const letter of letters) console.log(json ? JSON.stringify(letter) : line(letter))
    return letters.length
  }
}

const show = (where: string | undefined): Work => {
  const [, particao, posicao] = /^(\d{1,4}):(\d{1,15})$/.exec(where ?? '') ?? []
  if (particao === undefined || posicao === undefined) throw new UsageError('show takes a position such as 0:17')
  return async (sql, database) => {
    const at = { particao: Number(particao), posicao: Number(posicao) }
    const letters = await lettersIn(sql, database, LIMIT_MAX, at)
    for (const letter of letters) console.log(`${line(letter)}\n${letter.evento}`)
    return letters.length
  }
}

const redrive = (limit: number, counts: { applied: number; failed: number }): Work => {
  return async (sql, database) => {
    let left = limit
    for (const keeper of KEEPERS[database]) {
      if (left === 0) break
      const { applied, failed } = await keeper.redrive(sql, left)
      for (const { particao, posicao, reason } of failed)
        console.log(`${keeper.group}  ${particao}:${posicao}  failed again: ${reason}`)
      counts.applied += applied
      counts.failed += failed.length
      left -= applied + failed.length
    }
    return limit - left
  }
}

await runCommand('dlq', async () => {
  const { values, positionals } = argumentsOf('dlq', {
    limite: { type: 'string', default: LIMIT_DEFAULT },
    json: { type: 'boolean', default: false },
    de: { type: 'string' },
  })
  const limit = Number(values.limite)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX)) {
    throw new UsageError(`--limite takes a whole number from 1 to ${LIMIT_MAX}`)
  }
  const database = DATABASES.find((name) => name === values.de)
  if (values.de !== undefined && database === undefined)
    throw new UsageError(`--de takes one of ${DATABASES.join(', ')}`)
  const run = async (work: Work) => (database ? { letters: await withSql(database, work), away: 0 } : overAll(work))

  const [action, where] = positionals
  if (action === 'list') {
    const { letters, away } = await run(list({ limite: limit, json: values.json }))
    if (!values.json) console.log(`${letters} dead letters`)
    return Math.min(away, 1)
  }
  if (action === 'show') {
    const { letters, away } = await run(show(where))
    if (letters === 0 && away === 0)
      throw new Error(`there is no dead letter at ${where}${database ? ` in ${database}` : ''}`)
    return Math.min(away, 1)
  }
  if (action !== 'redrive') {
    throw new UsageError(action === undefined ? 'say list, show or redrive' : `unknown action "${action}"`)
  }
  const counts = { applied: 0, failed: 0 }
  const { away } = await run(redrive(limit, counts))
  console.log(`${counts.applied} applied, ${counts.failed} failed again`)
  return Math.min(away, 1)
})
