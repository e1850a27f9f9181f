import { isDay } from '@fluxo/shared/day'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { daysBetween } from './days.ts'
import { dayEtag, etagMatches } from './etag.ts'
import { readWait } from './posicao.ts'

describe('a day', () => {
  it('is valid exactly where the calendar has it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1890, max: 2210 }), fc.nat(13), fc.nat(32), (year, month, day) => {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
        const data = new Date(`${text}T00:00:00Z`)
        const real =
          !Number.isNaN(data.getTime()) && data.toISOString().startsWith(text) && year >= 1900 && year <= 2199
        expect(isDay(text)).toBe(real)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is refused in any other form', () => {
    for (const text of [
      '',
      '2025-1-01',
      '2025/10/15',
      '20251015',
      '2025-10-15 ',
      '２０２５-10-15',
      '2025-10-1x',
      'abcd-ef-gh',
    ]) {
      expect(isDay(text)).toBe(false)
    }
  })

  it('a leap year has 366', () => {
    expect(daysBetween('2024-01-01', '2024-12-31')).toBe(366)
    expect(daysBetween('2025-10-15', '2025-10-15')).toBe(1)
    expect(daysBetween('2025-10-15', '2025-10-14')).toBe(0)
  })
})

describe('If-None-Match', () => {
  const etag = dayEtag(2 ** 40 + 7, 'loja-1')

  it('names the tag alone, weak, in a list, or as *', () => {
    for (const valor of [etag, `W/${etag}`, `"x", W/${etag} , "y"`, '*', ' * '])
      expect(etagMatches(valor, etag)).toBe(true)
  })

  it('does not name another version, another merchant, or something that is no tag', () => {
    const others = [dayEtag(2 ** 40 + 8, 'loja-1'), dayEtag(2 ** 40 + 7, 'loja-2'), '', 'W/', etag.slice(1, -1), '"*"']
    for (const valor of others) expect(etagMatches(valor, etag)).toBe(false)
  })
})

describe('Fluxo-Posicao and Prefer', () => {
  it('are read as partition, position and milliseconds', () => {
    expect(readWait('3:1234', undefined, 4)).toEqual({
      positions: [{ particao: 3, posicao: 1234 }],
      waitMs: 2_000,
      preferred: undefined,
    })
    expect(readWait(' 0:0 ', 'wait=5', 1)).toMatchObject({
      positions: [{ particao: 0, posicao: 0 }],
      waitMs: 5_000,
      preferred: 5,
    })
    expect(readWait('0:1', 'respond-async, Wait = "0"; x=y', 1)).toMatchObject({ waitMs: 0, preferred: 0 })
    expect(readWait('0:1', 'return=minimal', 1)).toMatchObject({ waitMs: 2_000 })
  })

  it('are a list, too: the highest of each partition is waited for', () => {
    expect(readWait('0:1234, 1:55,0:7', undefined, 2).positions).toEqual([
      { particao: 0, posicao: 1234 },
      { particao: 1, posicao: 55 },
    ])
    expect(readWait('lancamentos:0:3', undefined, 1).positions).toEqual([{ particao: 0, posicao: 3 }])
  })

  it('of another log are never taken for the ledger’s', () => {
    expect(readWait('pedidos:0:12', undefined, 1).positions).toEqual([])
    expect(readWait('pedidos:7:12, 0:5', undefined, 1).positions).toEqual([{ particao: 0, posicao: 5 }])
  })

  it('never wait longer than ten seconds', () => {
    expect(readWait('0:1', 'wait=86400', 1)).toMatchObject({ waitMs: 10_000, preferred: 10 })
  })

  it('are refused by name where they are malformed or name no partition of ours', () => {
    for (const posicao of [
      '',
      '1',
      '0:',
      ':1',
      '0:-1',
      '0:1.5',
      '0:1e3',
      '0:1,',
      ',',
      '0:1 0:2',
      '0:1;0:2',
      'pedidos',
      'pedidos:1',
      'pedidos:0:x',
      'Pedidos:0:1',
      '0:1, 1:5',
      'lancamentos:1:5',
      'a:b',
      '0:99999999999999999',
      '0:9999999999999999',
      '1:5',
      '99999:1',
    ]) {
      expect(() => readWait(posicao, undefined, 1), posicao).toThrow(/Fluxo-Posicao/)
    }
    for (const prefer of ['wait', 'wait=', 'wait=x', 'wait=-1', 'wait=1.5']) {
      expect(() => readWait('0:1', prefer, 1), prefer).toThrow(/Prefer/)
    }
  })
})
