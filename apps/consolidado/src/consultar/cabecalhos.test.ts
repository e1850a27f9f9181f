import { diaValido } from '@fluxo/shared/dia'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { etagConfere, etagDoDia } from './condicional.ts'
import { diasEntre } from './dia.ts'
import { lerEspera } from './posicao.ts'

describe('a day', () => {
  it('is valid exactly where the calendar has it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1890, max: 2210 }), fc.nat(13), fc.nat(32), (ano, mes, dia) => {
        const texto = `${ano}-${String(mes).padStart(2, '0')}-${String(dia).padStart(2, '0')}`
        const data = new Date(`${texto}T00:00:00Z`)
        const real = !Number.isNaN(data.getTime()) && data.toISOString().startsWith(texto) && ano >= 1900 && ano <= 2199
        expect(diaValido(texto)).toBe(real)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is refused in any other form', () => {
    for (const texto of [
      '',
      '2025-1-01',
      '2025/10/15',
      '20251015',
      '2025-10-15 ',
      '２０２５-10-15',
      '2025-10-1x',
      'abcd-ef-gh',
    ]) {
      expect(diaValido(texto)).toBe(false)
    }
  })

  it('a leap year has 366', () => {
    expect(diasEntre('2024-01-01', '2024-12-31')).toBe(366)
    expect(diasEntre('2025-10-15', '2025-10-15')).toBe(1)
    expect(diasEntre('2025-10-15', '2025-10-14')).toBe(0)
  })
})

describe('If-None-Match', () => {
  const etag = etagDoDia(2 ** 40 + 7, 'loja-1')

  it('names the tag alone, weak, in a list, or as *', () => {
    for (const valor of [etag, `W/${etag}`, `"x", W/${etag} , "y"`, '*', ' * '])
      expect(etagConfere(valor, etag)).toBe(true)
  })

  it('does not name another version, another merchant, or something that is no tag', () => {
    const outros = [
      etagDoDia(2 ** 40 + 8, 'loja-1'),
      etagDoDia(2 ** 40 + 7, 'loja-2'),
      '',
      'W/',
      etag.slice(1, -1),
      '"*"',
    ]
    for (const valor of outros) expect(etagConfere(valor, etag)).toBe(false)
  })
})

describe('Fluxo-Posicao and Prefer', () => {
  it('are read as partition, position and milliseconds', () => {
    expect(lerEspera('3:1234', undefined, 4)).toEqual({
      lugares: [{ particao: 3, posicao: 1234 }],
      esperaMs: 2_000,
      preferida: undefined,
    })
    expect(lerEspera(' 0:0 ', 'wait=5', 1)).toMatchObject({
      lugares: [{ particao: 0, posicao: 0 }],
      esperaMs: 5_000,
      preferida: 5,
    })
    expect(lerEspera('0:1', 'respond-async, Wait = "0"; x=y', 1)).toMatchObject({ esperaMs: 0, preferida: 0 })
    expect(lerEspera('0:1', 'return=minimal', 1)).toMatchObject({ esperaMs: 2_000 })
  })

  it('are a list, too: the highest of each partition is waited for', () => {
    expect(lerEspera('0:1234, 1:55,0:7', undefined, 2).lugares).toEqual([
      { particao: 0, posicao: 1234 },
      { particao: 1, posicao: 55 },
    ])
    expect(lerEspera('lancamentos:0:3', undefined, 1).lugares).toEqual([{ particao: 0, posicao: 3 }])
  })

  it('of another log are never taken for the ledger’s', () => {
    expect(lerEspera('pedidos:0:12', undefined, 1).lugares).toEqual([])
    expect(lerEspera('pedidos:7:12, 0:5', undefined, 1).lugares).toEqual([{ particao: 0, posicao: 5 }])
  })

  it('never wait longer than ten seconds', () => {
    expect(lerEspera('0:1', 'wait=86400', 1)).toMatchObject({ esperaMs: 10_000, preferida: 10 })
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
      expect(() => lerEspera(posicao, undefined, 1), posicao).toThrow(/Fluxo-Posicao/)
    }
    for (const prefer of ['wait', 'wait=', 'wait=x', 'wait=-1', 'wait=1.5']) {
      expect(() => lerEspera('0:1', prefer, 1), prefer).toThrow(/Prefer/)
    }
  })
})
