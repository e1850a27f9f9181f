import { expect, test } from 'vitest'
import { createLogger } from '../telemetry/logger.ts'
import { createLifecycle } from './lifecycle.ts'

const log = createLogger({ service: 'teste', stream: { write: () => undefined } })

test('what was opened last is closed first, once, however often stop is called', async () => {
  const closed: string[] = []
  const lifecycle = createLifecycle({ log, deadlineMs: 1000 })
  lifecycle.defer('postgres', () => void closed.push('postgres'))
  lifecycle.defer('consumer', async () => void closed.push('consumer'))
  await Promise.all([lifecycle.stop(), lifecycle.stop()])
  await lifecycle.stop()
  expect(closed).toEqual(['consumer', 'postgres'])
})

test('one that fails does not keep the others open, and is told at the end', async () => {
  const closed: string[] = []
  const lifecycle = createLifecycle({ log, deadlineMs: 1000 })
  lifecycle.defer('postgres', () => void closed.push('postgres'))
  lifecycle.defer('redis', () => Promise.reject(new Error('gone')))
  lifecycle.defer('sync', () => {
    throw new Error('bug')
  })
  const error = await lifecycle.stop().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(AggregateError)
  expect((error as AggregateError).errors.map(String)).toEqual(['Error: bug', 'Error: gone'])
  expect(closed).toEqual(['postgres'])
})

test('one that hangs is given up at the deadline, and the rest still gets its chance', async () => {
  const closed: string[] = []
  const lifecycle = createLifecycle({ log, deadlineMs: 20 })
  lifecycle.defer('postgres', () => void closed.push('postgres'))
  lifecycle.defer('redis', () => new Promise(() => undefined))
  await expect(lifecycle.stop()).rejects.toThrow('did not stop cleanly')
  expect(closed).toEqual(['postgres'])
})
