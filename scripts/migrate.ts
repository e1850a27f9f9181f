import { DATABASES } from '@fluxo/drizzle/journal'
import { migrate } from '@fluxo/drizzle/migrate'
import { readTls } from '@fluxo/shared/postgres/tls'
import { ownerUrl } from './access.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'

await runCommand('migrate', async () => {
  const { positionals } = argumentsOf('migrate', {})
  const unknown = positionals.find((name) => !(DATABASES as readonly string[]).includes(name))
  if (unknown !== undefined) throw new UsageError(`unknown database "${unknown}"; known: ${DATABASES.join(', ')}`)
  const chosen = positionals.length === 0 ? DATABASES : DATABASES.filter((name) => positionals.includes(name))
  const particoes = process.env['PARTICOES']
  // All of them are known before the first one is changed.
  const known = await Promise.all(chosen.map(async (database) => ({ database, ...readTls(await ownerUrl(database)) })))
  for (const { database, url, tls } of known) {
    await migrate({
      database,
      url,
      ssl: tls?.(new URL(url).hostname),
      log: console.log,
      ...(particoes ? { particoes: Number(particoes) } : {}),
    })
  }
})
