import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createAccessLine } from './access-log.ts'
import { createLogger } from './logger.ts'

const FIELDS = { method: 'GET', route: '/coisas/:id', status: 200 }

test('a line made by hand is the line that pino would make', () => {
  const lines: string[] = []
  const log = createLogger({ service: 'a "teste"', stream: { write: (line) => void lines.push(line) } })
  createAccessLine(log, 'info', FIELDS)(1.23456, 'r-1', 'abc')
  log.child(FIELDS).info({ ms: 1.23, requestId: 'r-1', traceId: 'abc' }, 'request')
  const [byHand, byPino] = lines.map((line) => ({ ...JSON.parse(line), time: typeof JSON.parse(line).time }))
  expect(byHand).toEqual(byPino)
  expect(lines[0]?.endsWith('}\n')).toBe(true)
})

test('the level turns it off and on again while the process runs', () => {
  const lines: string[] = []
  const log = createLogger({ service: 'teste', level: 'warn', stream: { write: (line) => void lines.push(line) } })
  const write = createAccessLine(log, 'info', FIELDS)
  write(1, 'r-1', undefined)
  expect(lines).toEqual([])
  log.level = 'info'
  write(1, 'r-2', undefined)
  expect(lines).toHaveLength(1)
})

test('a logger from elsewhere gets the same line through pino', () => {
  const lines: string[] = []
  createAccessLine(pino({}, { write: (line) => void lines.push(line) }), 'info', FIELDS)(1.005, 'r-1', undefined)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ ...FIELDS, requestId: 'r-1', msg: 'request' })
})
