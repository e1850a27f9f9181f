import { createLetterStore } from '@fluxo/shared/follow/letter-store'
import { codeOf } from '@fluxo/shared/postgres/failure'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { type Database, hasServiceUrl, serviceUrl } from './access.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'
import { KEEPERS } from './letters.ts'

const LIMITE_DEFAULT = '100'
const LIMITE_MAX = 10_000
/** A command of its own needs few connections. */
const CONNECTIONS = 2

const BANCOS = ['consolidado', 'lancamentos', 'entregas'] as const satisfies readonly Database[]
type Posicao = { particao: number; posicao: number }
type Carta = Posicao & { grupo: string; tentativas: number; motivo: string; evento: string }

/** A command over one database. Gives how many letters it had to do with. */
type Work = (sql: Sql, banco: Database) => Promise<number>

const withSql = async (banco: Database, work: Work): Promise<number> => {
  const sql = createSql({ url: await serviceUrl(banco), max: CONNECTIONS, name: 'dlq' })
  try {
    return await work(sql, banco)
  } finally {
    await closeSql(sql)
  }
}

/** Does it on each database that is known here, one after the other; one that is away is named, and the others are served. */
const overAll = async (work: Work): Promise<{ letters: number; away: number }> => {
  const known: Database[] = []
  for (const banco of BANCOS) if (await hasServiceUrl(banco)) known.push(banco)
  const [only] = known
  if (only === undefined || known.length === 1) return { letters: await withSql(only ?? BANCOS[0], work), away: 0 }
  let [letters, away] = [0, 0]
  for (const banco of known) {
    try {
      letters += await withSql(banco, work)
    } catch (error) {
      away += 1
      console.error(`fluxo: ${banco}: ${(error instanceof Error && error.message) || codeOf(error) || 'away'}`)
    }
  }
  return { letters, away }
}

/** The letters that wait in a database, group by group, oldest first, or those at a position. */
const lettersIn = async (sql: Sql, banco: Database, limite: number, at?: Posicao): Promise<Carta[]> => {
  const found: Carta[] = []
  for (const { group: grupo, table } of KEEPERS[banco]) {
    const left = limite - found.length
    if (left === 0) break
    const letters = await createLetterStore(sql, table).list({ limite: left, at })
    found.push(...letters.map(({ body, ...carta }) => ({ grupo, ...carta, evento: body })))
  }
  return found
}

const line = ({ grupo, particao, posicao, tentativas, motivo }: Carta): string =>
  `${grupo}  ${particao}:${posicao}  attempts ${tentativas}  ${motivo}`

const list = ({ limite, json }: { limite: number; json: boolean }): Work => {
  return async (sql, banco) => {
    const letters = await lettersIn(sql, banco, limite)
    for (const carta of letters) console.log(json ? JSON.stringify(carta) : line(carta))
    return letters.length
  }
}

const show = (where: string | undefined): Work => {
  const [, particao, posicao] = /^(\d{1,4}):(\d{1,15})$/.exec(where ?? '') ?? []
  if (particao === undefined || posicao === undefined) throw new UsageError('show takes a position such as 0:17')
  return async (sql, banco) => {
    const at = { particao: Number(particao), posicao: Number(posicao) }
    const letters = await lettersIn(sql, banco, LIMITE_MAX, at)
    for (const carta of letters) console.log(`${line(carta)}\n${carta.evento}`)
    return letters.length
  }
}

const redrive = (limite: number, counts: { applied: number; failed: number }): Work => {
  return async (sql, banco) => {
    let left = limite
    for (const keeper of KEEPERS[banco]) {
      if (left === 0) break
      const { applied, failed } = await keeper.redrive(sql, left)
      for (const { particao, posicao, reason } of failed)
        console.log(`${keeper.group}  ${particao}:${posicao}  failed again: ${reason}`)
      counts.applied += applied
      counts.failed += failed.length
      left -= applied + failed.length
    }
    return limite - left
  }
}

await runCommand('dlq', async () => {
  const { values, positionals } = argumentsOf('dlq', {
    limite: { type: 'string', default: LIMITE_DEFAULT },
    json: { type: 'boolean', default: false },
    de: { type: 'string' },
  })
  const limite = Number(values.limite)
  if (!(Number.isInteger(limite) && limite >= 1 && limite <= LIMITE_MAX)) {
    throw new UsageError(`--limite takes a whole number from 1 to ${LIMITE_MAX}`)
  }
  const banco = BANCOS.find((name) => name === values.de)
  if (values.de !== undefined && banco === undefined) throw new UsageError(`--de takes one of ${BANCOS.join(', ')}`)
  const run = async (work: Work) => (banco ? { letters: await withSql(banco, work), away: 0 } : overAll(work))

  const [action, where] = positionals
  if (action === 'list') {
    const { letters, away } = await run(list({ limite, json: values.json }))
    if (!values.json) console.log(`${letters} dead letters`)
    return Math.min(away, 1)
  }
  if (action === 'show') {
    const { letters, away } = await run(show(where))
    if (letters === 0 && away === 0)
      throw new Error(`there is no dead letter at ${where}${banco ? ` in ${banco}` : ''}`)
    return Math.min(away, 1)
  }
  if (action !== 'redrive') {
    throw new UsageError(action === undefined ? 'say list, show or redrive' : `unknown action "${action}"`)
  }
  const counts = { applied: 0, failed: 0 }
  const { away } = await run(redrive(limite, counts))
  console.log(`${counts.applied} applied, ${counts.failed} failed again`)
  return Math.min(away, 1)
})
