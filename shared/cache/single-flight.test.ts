import { expect, it } from 'vitest'
import { createSingleFlight } from './single-flight.ts'

it('concurrent callers of one key share one execution, others do not', async () => {
  const flight = createSingleFlight<number>()
  const gate = Promise.withResolvers<number>()
  let executions = 0
  const work = () => {
    executions += 1
    return gate.promise
  }
  const calls = [flight.run('a', work), flight.run('a', work), flight.run('b', work)]
  expect(executions).toBe(2)
  gate.resolve(7)
  expect(await Promise.all(calls)).toEqual([7, 7, 7])
  expect(flight.size()).toBe(0)
})

it('a caller after the end starts anew, also after a failure', async () => {
  const flight = createSingleFlight<string>()
  const failed = [flight.run('a', () => Promise.reject(new Error('once'))), flight.run('a', async () => 'never')]
  for (const outcome of await Promise.allSettled(failed)) expect(outcome.status).toBe('rejected')
  expect(await flight.run('a', async () => 'anew')).toBe('anew')
})
