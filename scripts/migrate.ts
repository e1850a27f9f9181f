import { DATABASES } from '@fluxo/drizzle/journal'
import { migrate } from '@fluxo/drizzle/migrate'
import { ownerUrl } from './access.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'

await runCommand('migrate', async () => {
  const { positionals } = argumentsOf('migrate', {})
  const unknown = positionals.find((name) => !(DATABASES as readonly string[]).includes(name))
  if (unknown !== undefined) throw new UsageError(`unknown database "${unknown}"; known: ${DATABASES.join(', ')}`)
  const chosen = positionals.length === 0 ? DATABASES : DATABASES.filter((name) => positionals.includes(name))
  const particoes = process.env['PARTICOES']
  for (const database of chosen) {
    await migrate({
      database,
      url: await ownerUrl(database),
      log: console.log,
      ...(particoes ? { particoes: Number(particoes) } : {}),
    })
  }
})
