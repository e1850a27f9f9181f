import { migrate } from '@fluxo/drizzle/migrate'
import { type Database, ownerUrl } from './access.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'

const DATABASES: readonly Database[] = ['lancamentos', 'consolidado', 'entregas']

await runCommand('migrate', async () => {
  const { positionals } = argumentsOf('migrate', {})
  const asked = positionals[0]
  const chosen = asked === undefined ? DATABASES : DATABASES.filter((name) => name === asked)
  if (chosen.length === 0) throw new UsageError(`unknown database "${asked}"; known: ${DATABASES.join(', ')}`)
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
