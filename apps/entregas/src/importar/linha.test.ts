import { lerCabecalho } from '@fluxo/shared/csv/cabecalho'
import { lerRegistro } from '@fluxo/shared/csv/linha'
import { expect, test } from 'vitest'
import { FORMATO, lerLinha } from './linha.ts'

const colunas = lerCabecalho(['customer_name', 'address', 'occurred_at'], FORMATO)
const ler = (momento: string) =>
  lerRegistro({ linha: 2, campos: ['Ana', 'Rua 1', momento] }, colunas, lerLinha(new Date('2026-01-01')))

test.each([
  ['2025-10-15T12:34:56-03:00', '2025-10-15T15:34:56.000Z'],
  ['15/10/2025 12:34', '2025-10-15T15:34:00.000Z'],
  ['5/1/2019 9:05:07', '2019-01-05T11:05:07.000Z'],
])('an order of a file was received at %s', (escrito, instante) => {
  expect(ler(escrito)).toMatchObject({ pedido: { ocorridoEm: new Date(instante) } })
})

test.each(['15/10/2025', '31/02/2025 12:34', '15/10/2025 24:00', '2025-10-15 12:34', 'ontem'])(
  '%j is refused, and said what it was',
  (escrito) => {
    const erro = { linha: 2, coluna: 'occurred_at', valor: escrito, motivo: expect.stringContaining('São Paulo') }
    expect(ler(escrito)).toEqual({ erros: [erro] })
  },
)
