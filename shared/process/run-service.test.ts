import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseEnv } from '../env.ts'
import { openProcess } from './run-service.ts'
import { SERVICE_ENV } from './settings.ts'

const schema = z.object(SERVICE_ENV)
const SETTINGS = { REDIS_URL: 'redis://127.0.0.1:9', JWT_SECRET: 'x'.repeat(32), LOG_LEVEL: 'fatal' }

test('a service needs to be told where Redis is, and nothing else that all of them share', async () => {
  expect(() => parseEnv(schema, {})).toThrow('REDIS_URL: is missing')
  const env = parseEnv(schema, { REDIS_URL: SETTINGS.REDIS_URL })
  expect(env).toMatchObject({ HOST: '127.0.0.1', LOG_LEVEL: 'info', DRENAGEM_AVISO_MS: 0, LIMITE_INSTANCIAS: 1 })
  expect(env.INSTANCIA).toContain(String(process.pid))
})

test('traces are opened where a collector is named, and nowhere else', async () => {
  const process = (settings: Record<string, string>) =>
    openProcess({ name: 'teste', instance: 'um', env: parseEnv(schema, settings) })
  const without = await process(SETTINGS)
  expect(without.tracing).toBeUndefined()
  // Nobody listens there: what could not be sent is dropped.
  const traced = await process({ ...SETTINGS, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
  expect(traced.tracing).toBeDefined()
  await Promise.all([without.lifecycle.stop(), traced.lifecycle.stop()])
})
