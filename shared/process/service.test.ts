import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseEnv } from './env.ts'
import { openService, SERVICE_ENV } from './service.ts'

const schema = z.object(SERVICE_ENV)
const REDIS_URL = 'redis://localhost:6379'

test('a service needs to be told where Redis is, and nothing else that all of them share', async () => {
  expect(() => parseEnv(schema, {})).toThrow('REDIS_URL: is missing')
  const env = parseEnv(schema, { REDIS_URL })
  expect(env).toMatchObject({ HOST: '127.0.0.1', REDIS_URL, LOG_LEVEL: 'info', DRENAGEM_AVISO_MS: 0 })
  expect(env.INSTANCIA).toContain(String(process.pid))
})

test('traces are opened where a collector is named, and nowhere else', async () => {
  const without = parseEnv(schema, { REDIS_URL, LOG_LEVEL: 'fatal' })
  expect((await openService({ service: 'teste', instance: 'um', env: without })).tracing).toBeUndefined()
  // Nobody listens there: what could not be sent is dropped.
  const collector = parseEnv(schema, {
    REDIS_URL,
    LOG_LEVEL: 'fatal',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  })
  const { tracing, lifecycle } = await openService({ service: 'teste', instance: 'um', env: collector })
  expect(tracing).toBeDefined()
  await lifecycle.stop()
})
