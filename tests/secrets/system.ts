import { closeSql } from '@fluxo/shared/postgres/sql'
import { startOwnPostgres } from '../stage/databases.ts'
import { startOtlpReceiver } from '../stage/otlp-receiver.ts'
import { type Shape, startSystem } from '../stage/system.ts'

/** Services in processes of their own that say all they can, on servers whose passwords are canaries. */
export const startTalkative = async (shape: Shape) => {
  const [postgres, receiver] = await Promise.all([startOwnPostgres(), startOtlpReceiver()])
  const removeServers = () => Promise.all([postgres.remove(), receiver.stop()])
  let output = ''
  const system = await startSystem({
    ...shape,
    postgres: postgres.url(),
    env: { ...shape.env, LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    onOutput: (chunk) => {
      output += String(chunk)
    },
  }).catch(async (error: unknown) => {
    await removeServers()
    throw error
  })
  return {
    ...system,
    postgres,
    receiver,
    /** Everything that the services wrote so far. */
    output: () => output,
    /** Where the test has stopped the server, no database can be dropped. */
    stop: async () => {
      await system.endAll()
      await Promise.all(Object.values(system.sql).map(closeSql))
      await Promise.all([system.redis.remove(), removeServers()])
    },
  }
}

export type Talkative = Awaited<ReturnType<typeof startTalkative>>
