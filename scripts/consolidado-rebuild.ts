import { readLogState } from '@fluxo/shared/log/state'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { reconstruirCli } from '../apps/consolidado/src/reconstruir/cli.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'
import { dataFolder } from './data-folder.ts'
import { type Running, readRunning } from './running.ts'

/** The ledger knows its own number of partitions; guessing it would rebuild a part. */
const particoesOf = async (databaseUrl: string): Promise<string> => {
  const sql = createSql({ url: databaseUrl, max: 1, name: 'rebuild' })
  try {
    return String((await readLogState(sql)).particoes)
  } finally {
    await closeSql(sql)
  }
}

/** What the environment leaves open, as the running `npm start` has it. An own database is rebuilt from an own ledger only. */
const environmentOf = async (running: Running | undefined): Promise<Record<string, string | undefined>> => {
  const given = process.env
  if (given['DATABASE_URL_CONSOLIDADO'] || !running) return given
  const { url, redisUrl, jwtSecret, databases } = running
  const particoes = databases?.lancamentos && (await particoesOf(databases.lancamentos.app))
  return {
    ...given,
    DATABASE_URL_CONSOLIDADO: databases?.consolidado?.app,
    FEED_URL: url,
    REDIS_URL: redisUrl,
    JWT_SECRET: jwtSecret,
    PARTICOES: particoes,
  }
}

await runCommand('consolidado:rebuild', async () => {
  const { positionals } = argumentsOf('consolidado:rebuild', {})
  if (positionals.length > 0) throw new UsageError(`unknown argument: ${positionals[0]}`)
  await reconstruirCli(await environmentOf(await readRunning(dataFolder())), [])
})
