import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptySaldo, firstVersao, saldoJson, VERSOES_PER_GERACAO } from './saldo.ts'

const cents = fc.bigInt({ min: 0n, max: 10n ** 24n })

test('the body is JSON whose amounts are the cents, exactly, with two decimals', () => {
  fc.assert(
    fc.property(cents, cents, fc.nat(), (creditos, debitos, quantidade) => {
      const saldo = {
        ...emptySaldo('loja', '2025-10-15', 1),
        creditos,
        debitos,
        quantidade,
        atualizadoEm: '2025-10-15T00:00:00.000Z',
      }
      const text = saldoJson(saldo)
      expect(() => JSON.parse(text)).not.toThrow()
      const [, c, d, s] = /"total_creditos":(.+),"total_debitos":(.+),"saldo_final":(.+),"quantidade"/.exec(text) ?? []
      for (const valor of [c, d, s]) expect(valor).toMatch(/^-?\d+\.\d\d$/)
      expect([c, d, s].map((valor) => BigInt((valor ?? '').replace('.', '')))).toEqual([
        creditos,
        debitos,
        creditos - debitos,
      ])
    }),
  )
})

test('a day without entries is zeros and null, older than anything of its generation', () => {
  expect(saldoJson(emptySaldo('loja', '2025-10-15', 3))).toBe(
    '{"data":"2025-10-15","total_creditos":0.00,"total_debitos":0.00,"saldo_final":0.00,"quantidade":0,"atualizado_em":null}',
  )
  expect(firstVersao(3)).toBe(3 * VERSOES_PER_GERACAO)
})
