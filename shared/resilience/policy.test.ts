import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, describe, expect, it } from 'vitest'
import { type Breaker, createBreaker } from './breaker.ts'
import { createPolicy, type PolicyOptions } from './policy.ts'
import { isRejection } from './rejection.ts'

const transient = Object.assign(new Error('connection lost'), { transient: true })
const isTransient = (error: unknown) => error === transient

const breakers: Breaker[] = []
const aBreaker = (options: Partial<Parameters<typeof createBreaker>[0]> = {}) => {
  const breaker = createBreaker({
    name: 'dep',
    volumeThreshold: 4,
    errorThresholdPercentage: 50,
    resetTimeoutMs: 60_000,
    ...options,
  })
  breakers.push(breaker)
  return breaker
}
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.close()
})

const aPolicy = (options: Partial<PolicyOptions> = {}) =>
  createPolicy({
    name: 'dep',
    deadlineMs: 2_000,
    bulkhead: { max: 2, queueMax: 2 },
    attemptTimeoutMs: 1_000,
    isTransient,
    ...options,
  })

/** Never settles by itself; rejects when it is told to stop. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
  })

const rejectionOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => 'resolved',
    (reason: unknown) => reason,
  )
  return isRejection(error) ? error.reason : String(error)
}

describe('retry', () => {
  const retry = { attemptsMax: 3, baseMs: 1, maxMs: 4 }

  it('repeats a transient failure until it goes well', async () => {
    let attempts = 0
    const result = await aPolicy({ retry }).execute(async () => {
      attempts += 1
      if (attempts < 3) throw transient
      return 'ok'
    })
    expect([result, attempts]).toEqual(['ok', 3])
  })

  it('gives up after attemptsMax with the last error', async () => {
    let attempts = 0
    const failing = aPolicy({ retry }).execute(async () => {
      attempts += 1
      throw transient
    })
    await expect(failing).rejects.toBe(transient)
    expect(attempts).toBe(3)
  })

  it('never repeats what is not transient', async () => {
    let attempts = 0
    const failing = aPolicy({ retry }).execute(async () => {
      attempts += 1
      throw new Error('refused')
    })
    await expect(failing).rejects.toThrow('refused')
    expect(attempts).toBe(1)
  })

  it('does not call again after the deadline has passed between two attempts', async () => {
    let attempts = 0
    const policy = aPolicy({
      deadlineMs: 20,
      bulkhead: { max: 1, queueMax: 0 },
      retry: { attemptsMax: 2, baseMs: 0, maxMs: 0 },
    })
    const slowly = policy.execute(async () => {
      attempts += 1
      await delay(60)
      throw transient
    })
    expect(await rejectionOf(slowly)).toBe('deadline')
    // The only place is free again once the whole call, retries included, has come to its end.
    await waitFor(async () => (await rejectionOf(policy.execute(async () => 'next'))) === 'resolved')
    expect(attempts).toBe(1)
  })
})

describe('breaker inside the policy', () => {
  it('counts every attempt, and an open circuit is not retried', async () => {
    const breaker = aBreaker()
    let attempts = 0
    const policy = aPolicy({ breaker, retry: { attemptsMax: 50, baseMs: 1, maxMs: 2 } })
    const failing = policy.execute(async () => {
      attempts += 1
      throw transient
    })
    expect(await rejectionOf(failing)).toBe('circuit-open')
    expect(attempts).toBe(4)
    expect(breaker.state()).toBe('open')
  })

  it('stays closed while a full bulkhead turns callers away, and they are not retried', async () => {
    const breaker = aBreaker()
    const policy = aPolicy({ breaker, retry: { attemptsMax: 5, baseMs: 1, maxMs: 2 } })
    const gate = Promise.withResolvers<string>()
    const calls = Array.from({ length: 20 }, () => rejectionOf(policy.execute(() => gate.promise)))
    const refused = await Promise.all(calls.slice(4))
    expect(new Set(refused)).toEqual(new Set(['bulkhead-full']))
    expect(breaker.state()).toBe('closed')
    gate.resolve('done')
    expect(await Promise.all(calls.slice(0, 4))).toEqual(['resolved', 'resolved', 'resolved', 'resolved'])
  })

  it('does not count a call that its caller abandoned', async () => {
    const breaker = aBreaker()
    const policy = aPolicy({ breaker, bulkhead: { max: 20, queueMax: 0 } })
    const aborter = new AbortController()
    const calls = Array.from({ length: 10 }, () => policy.execute(untilAborted, aborter.signal))
    const all = Promise.allSettled(calls)
    await delay(1)
    aborter.abort(new Error('client left'))
    for (const outcome of await all)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'client left' } })
    await waitFor(() => breaker.state() === 'closed')
  })
})

describe('timeouts', () => {
  it('the timeout of an attempt aborts that attempt alone', async () => {
    const policy = aPolicy({ attemptTimeoutMs: 20, bulkhead: { max: 4, queueMax: 0 } })
    let neighbourAborted = false
    const slow = policy.execute(untilAborted)
    await delay(10)
    const neighbour = policy.execute(async (signal) => {
      signal.addEventListener('abort', () => {
        neighbourAborted = true
      })
      await delay(15)
      return 'ok'
    })
    expect(await rejectionOf(slow)).toBe('attempt-timeout')
    expect(await neighbour).toBe('ok')
    expect(neighbourAborted).toBe(false)
  })

  it('an attempt that timed out is retried, and its work was told to stop', async () => {
    const stopped: boolean[] = []
    const policy = aPolicy({ attemptTimeoutMs: 15, retry: { attemptsMax: 2, baseMs: 1, maxMs: 1 } })
    const result = await policy.execute(async (signal) => {
      if (stopped.length > 0) return 'second'
      signal.addEventListener('abort', () => stopped.push(true))
      return untilAborted(signal)
    })
    expect([result, stopped]).toEqual(['second', [true]])
  })

  it('the deadline ends the wait in the queue too', async () => {
    const policy = aPolicy({ deadlineMs: 30, bulkhead: { max: 1, queueMax: 5 } })
    const calls = [policy.execute(untilAborted), policy.execute(untilAborted)]
    expect(await Promise.all(calls.map(rejectionOf))).toEqual(['deadline', 'deadline'])
  })

  it('timeouts never let more than max calls work at once', async () => {
    let working = 0
    let workingMax = 0
    const policy = aPolicy({ attemptTimeoutMs: 10, bulkhead: { max: 2, queueMax: 100 } })
    // Work that ignores its signal for a while, as a query does until the server has cancelled it.
    const stubborn = async () => {
      working += 1
      workingMax = Math.max(workingMax, working)
      await delay(18)
      working -= 1
    }
    await Promise.allSettled(Array.from({ length: 12 }, () => policy.execute(stubborn)))
    await waitFor(() => working === 0)
    expect(workingMax).toBe(2)
  })

  it('work that ignores its signal for ever gives its place back after one more timeout', async () => {
    const policy = aPolicy({ attemptTimeoutMs: 10, bulkhead: { max: 1, queueMax: 1 } })
    const lost = policy.execute(() => new Promise<never>(() => {}))
    expect(await rejectionOf(lost)).toBe('attempt-timeout')
    expect(await policy.execute(async () => 'next')).toBe('next')
  })

  it('a caller that leaves gets its own reason back', async () => {
    const reason = new Error('client left')
    const aborter = new AbortController()
    const call = aPolicy().execute(untilAborted, aborter.signal)
    aborter.abort(reason)
    await expect(call).rejects.toBe(reason)
  })
})
