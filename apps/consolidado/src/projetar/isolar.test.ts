import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aplicarIsolando } from './isolar.ts'

const dataException = Object.assign(new Error('value out of range'), { code: '22003' })

test('exactly the bad rows are isolated, and every good one is applied once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (bons) => {
      const rows = bons.map((bom, i) => ({ i, bom }))
      const aplicadas: number[] = []
      const { envenenados } = await aplicarIsolando(rows, async (some) => {
        if (some.some(({ bom }) => !bom)) throw dataException
        aplicadas.push(...some.map(({ i }) => i))
      })
      expect(aplicadas).toEqual(rows.filter(({ bom }) => bom).map(({ i }) => i))
      expect(envenenados.map(({ row }) => row.i)).toEqual(rows.filter(({ bom }) => !bom).map(({ i }) => i))
    }),
  )
})

test('an outage or a missing grant is thrown on, never isolated', async () => {
  for (const code of ['57P01', '42501', '40001', 'CONNECTION_CLOSED', undefined]) {
    const error = Object.assign(new Error('no'), { code })
    await expect(aplicarIsolando([1, 2], () => Promise.reject(error))).rejects.toBe(error)
  }
})
