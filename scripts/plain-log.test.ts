import { createLogger } from '@fluxo/shared/telemetry/logger'
import { expect, test } from 'vitest'
import { createPlainLog } from './plain-log.ts'

const logger = () => {
  const said: string[] = []
  return {
    said,
    log: createLogger({ service: 'fluxo', level: 'warn', stream: createPlainLog((line) => said.push(line)) }),
  }
}

test('a warning is one sentence with its reason: no JSON, no stack, no second line', () => {
  const { said, log } = logger()
  log.warn({ err: new Error('connect ECONNREFUSED 127.0.0.1:1\nand more') }, 'the relay could not publish')
  log.error({ erro: 'Connection is closed.' }, 'consumer cannot go on')
  log.warn({ particao: 0 }, 'redis connection down')
  expect(said).toEqual([
    'warn: the relay could not publish (connect ECONNREFUSED 127.0.0.1:1)',
    'error: consumer cannot go on (Connection is closed.)',
    'warn: redis connection down',
  ])
})

test('what all parts say again and again while a server is away is told once', () => {
  const { said, log } = logger()
  for (let n = 0; n < 100; n += 1) log.warn({ n }, 'redis connection down')
  expect(said).toEqual(['warn: redis connection down'])
})
