import { expect, test } from 'vitest'
import { createLogger, serializeError } from './logger.ts'

function capture(level?: string) {
  const lines: string[] = []
  const stream = { write: (line: string) => lines.push(line) }
  return { lines, log: createLogger({ service: 'teste', stream, ...(level !== undefined && { level }) }) }
}

test('a line is JSON with the name of its level and of the service', () => {
  const { lines, log } = capture()
  log.info({ posicao: 7 }, 'applied')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', service: 'teste', posicao: 7, msg: 'applied' })
})

test('the level turns lines off', () => {
  const { lines, log } = capture('warn')
  log.info('quiet')
  expect(lines).toEqual([])
})

test('credentials and what a merchant wrote never reach the log', () => {
  const { lines, log } = capture()
  log.info({ token: 'segredo', authorization: 'segredo', descricao: 'segredo', headers: { authorization: 'segredo' } })
  expect(lines.join()).not.toContain('segredo')
})

test('an error is logged without the values that database errors carry', () => {
  const { lines, log } = capture()
  const postgres = Object.assign(new Error('duplicate key value'), {
    code: '23505',
    detail: 'Key (comerciante_id)=(segredo) already exists.',
    parameters: ['segredo'],
  })
  const drizzle = Object.assign(new Error('Failed query: select $1\nparams: segredo', { cause: postgres }), {
    query: 'select $1',
    params: ['segredo'],
  })
  log.error({ err: drizzle }, 'failed')
  expect(lines.join()).not.toContain('segredo')
  expect(JSON.parse(lines[0] ?? '').err).toMatchObject({ message: 'failed query: select $1', cause: { code: '23505' } })
})

test('whatever was thrown can be logged, also a cycle of causes', () => {
  const error = new Error('a')
  error.cause = error
  expect(serializeError(error)).toMatchObject({ message: 'a', cause: { message: 'a' } })
  expect(serializeError('text')).toEqual({ message: 'text' })
  expect(serializeError(new AggregateError([new Error('b')], 'both'))).toMatchObject({ errors: [{ message: 'b' }] })
})
