import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { serviceUrl } from './access.ts'
import { moveWebhooks } from './avisos/move-webhooks.ts'
import { argumentsOf, runCommand, UsageError } from './cli.ts'

await runCommand('avisos:mover', async () => {
  const { positionals } = argumentsOf('avisos:mover', {})
  if (positionals.length > 0) throw new UsageError(`unknown argument: ${positionals[0]}`)
  const [from, to] = [await serviceUrl('entregas'), await serviceUrl('avisos')]
  const entregas = createSql({ url: from, max: 1, name: 'mover' })
  const avisos = createSql({ url: to, max: 1, name: 'mover' })
  try {
    const { webhooks, deliveries } = await moveWebhooks({ entregas, avisos })
    console.log(`${webhooks} webhooks and ${deliveries} deliveries moved; what was there already was left as it is`)
  } finally {
    await Promise.all([closeSql(entregas), closeSql(avisos)])
  }
})
