import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { withTimeout } from '../wait.ts'
import { type Breaker, type BreakerOptions, createBreaker } from './breaker.ts'
import { isRejection } from './rejection.ts'

const breakers: Breaker[] = []
const aBreaker = (options: Partial<BreakerOptions> = {}) => {
  const breaker = createBreaker({
    name: 'dep',
    volumeThreshold: 5,
    errorThresholdPercentage: 50,
    resetTimeoutMs: 30,
    ...options,
  })
  breakers.push(breaker)
  return breaker
}
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.close()
})

const failing = async (): Promise<never> => {
  throw new Error('away')
}
const fail = (breaker: Breaker, times: number) =>
  Promise.allSettled(Array.from({ length: times }, () => breaker.execute(failing)))

describe('breaker', () => {
  it('stays closed below volumeThreshold however many of the calls fail', async () => {
    const breaker = aBreaker()
    await fail(breaker, 4)
    expect(breaker.state()).toBe('closed')
    await fail(breaker, 1)
    expect(breaker.state()).toBe('open')
  })

  it('stays closed while the share of failures is not above the threshold', async () => {
    const breaker = aBreaker()
    for (let i = 0; i < 20; i += 1) await breaker.execute(async () => i)
    await fail(breaker, 10)
    expect(breaker.state()).toBe('closed')
  })

  it('an open circuit rejects at once, without calling, and says when to come back', async () => {
    const breaker = aBreaker({ resetTimeoutMs: 4_000 })
    await fail(breaker, 5)
    let called = false
    const error = await breaker
      .execute(async () => {
        called = true
      })
      .catch((reason: unknown) => reason)
    expect(called).toBe(false)
    expect(isRejection(error, 'circuit-open')).toBe(true)
    expect(error).toMatchObject({ dependency: 'dep', retryAfterSeconds: 4 })
  })

  it('half open lets one trial through; it closes the circuit or opens it again', async () => {
    const breaker = aBreaker()
    await fail(breaker, 5)
    await waitFor(() => breaker.state() === 'half-open')
    await fail(breaker, 1)
    expect(breaker.state()).toBe('open')

    await waitFor(() => breaker.state() === 'half-open')
    const gate = Promise.withResolvers<string>()
    const trial = breaker.execute(() => gate.promise)
    const second = await breaker.execute(async () => 'x').catch((reason: unknown) => reason)
    expect(isRejection(second, 'circuit-open')).toBe(true)
    gate.resolve('well')
    expect(await trial).toBe('well')
    expect(breaker.state()).toBe('closed')
  })

  it('an abandoned trial does not close the circuit', async () => {
    const breaker = aBreaker()
    await fail(breaker, 5)
    await waitFor(() => breaker.state() === 'half-open')
    await breaker.execute(failing, AbortSignal.abort()).catch(() => {})
    expect(breaker.state()).toBe('open')
  })

  it('errors that say nothing about health reach the caller and do not count', async () => {
    const refused = new Error('refused')
    const breaker = aBreaker({ isFailure: (error) => error !== refused })
    for (let i = 0; i < 20; i += 1) {
      await expect(breaker.execute(() => Promise.reject(refused))).rejects.toBe(refused)
    }
    expect(breaker.state()).toBe('closed')
  })

  it('exports state and calls, several breakers in one registry', async () => {
    const registry = new Registry()
    const breaker = aBreaker({ name: 'redis', registry, resetTimeoutMs: 60_000 })
    aBreaker({ name: 'postgres', registry })
    await breaker.execute(async () => 1)
    await fail(breaker, 9)
    const text = await registry.metrics()
    expect(text).toContain('fluxo_breaker_state{name="redis"} 2')
    expect(text).toContain('fluxo_breaker_state{name="postgres"} 0')
    expect(text).toContain('fluxo_breaker_calls_total{name="redis",event="success"} 1')
    expect(text).toContain('fluxo_breaker_calls_total{name="redis",event="open"} 1')
    expect(text).toContain('fluxo_breaker_calls_total{name="postgres",event="fire"} 0')
  })
})

describe('withTimeout', () => {
  const late = () => new Error('late')

  it('passes on what the promise did in time', async () => {
    expect(await withTimeout(Promise.resolve(1), 1_000, late)).toBe(1)
    await expect(withTimeout(Promise.reject(new Error('own')), 1_000, late)).rejects.toThrow('own')
  })

  it('rejects when the promise takes too long', async () => {
    await expect(withTimeout(new Promise(() => {}), 5, late)).rejects.toThrow('late')
  })
})
