import { COMERCIANTE_ID } from '@fluxo/shared/id'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { verificarCli } from '../apps/consolidado/src/verificar/cli.ts'
import type { RelayCursor } from '../apps/consolidado/src/verificar/verificar-all.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'
import { dataFolder } from './data-folder.ts'
import { readRunning } from './running.ts'

/** Enough to hold every day that was touched in an hour, the life of a cached day, at a busy place. */
const SAMPLE_DEFAULT = '10000'
const SAMPLE_MAX = 1_000_000
/** It could not be told whether the books are exact: not the same as a difference. */
const UNKNOWN_EXIT = 2

type Env = Readonly<Record<string, string | undefined>>

/** What the environment leaves open, as the running `npm start` has it; all of one, never a mixture of two systems. */
const environment = async (): Promise<Env> => {
  const given = process.env
  if (given['DATABASE_URL_CONSOLIDADO']) return given
  const running = await readRunning(dataFolder())
  if (running?.databases?.consolidado === undefined) {
    throw new Error('no server to talk to: set DATABASE_URL_CONSOLIDADO, or keep `npm start` running (FLUXO_DATA).')
  }
  return {
    DATABASE_URL_CONSOLIDADO: running.databases.consolidado.app,
    DATABASE_URL_LANCAMENTOS: running.databases.lancamentos?.app,
    FEED_URL: running.url,
    REDIS_URL: running.redisUrl,
    JWT_SECRET: running.jwtSecret,
  }
}

/** The relay's cursors, where the ledger's database is known: the one thing of the ledger that its feed does not tell. */
const cursorsOf = (env: Env): (() => Promise<RelayCursor[]>) | undefined => {
  const url = env['DATABASE_URL_LANCAMENTOS']
  if (url === undefined) return undefined
  return async () => {
    const sql = createSql({ url, max: 1, name: 'verify' })
    try {
      return await sql<RelayCursor[]>`
        select particao::int, c.posicao::float8 as cursor, p.ultima::float8 as ultima
        from relay_cursor c join posicao p using (particao) order by particao`
    } finally {
      await closeSql(sql)
    }
  }
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

const checked = (name: string, text: string | undefined, pattern: RegExp): string | undefined => {
  if (text !== undefined && !pattern.test(text)) throw new UsageError(`--${name}: "${text}" is none`)
  return text
}

await runCommand(
  'verify',
  async () => {
    const { values, positionals } = argumentsOf('verify', {
      comerciante: { type: 'string' },
      de: { type: 'string' },
      ate: { type: 'string' },
      amostra: { type: 'string', default: SAMPLE_DEFAULT },
      json: { type: 'boolean', default: false },
    })
    if (positionals.length > 0) throw new UsageError(`unknown argument: ${positionals[0]}`)
    const sample = Number(values.amostra)
    if (!(Number.isInteger(sample) && sample >= 0 && sample <= SAMPLE_MAX)) {
      throw new UsageError(`--amostra takes a whole number up to ${SAMPLE_MAX}`)
    }
    const selection = {
      comercianteId: checked('comerciante', values.comerciante, COMERCIANTE_ID),
      de: checked('de', values.de, DAY),
      ate: checked('ate', values.ate, DAY),
    }
    const env = await environment()
    const differences = await verificarCli(env, {
      filter: selection,
      amostra: sample,
      json: values.json,
      cursors: cursorsOf(env),
    })
    return differences === 0 ? 0 : 1
  },
  UNKNOWN_EXIT,
)
