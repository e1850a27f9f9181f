import { expect, test } from 'vitest'
import { z } from 'zod'
import { EventoSchema, encodeEvento, lerEvento } from './event.ts'

const ID = '0198f2a0-0000-7000-8000-000000000001'
const EPOCA = '0198f2a0-0000-4000-8000-000000000002'
const FATO = {
  id: ID,
  source: '/a',
  type: 'a.feito.v1',
  subject: 's',
  time: '2025-10-15T12:00:00.000Z',
  data: { n: 1 },
}
const escrito = (): Record<string, unknown> => JSON.parse(encodeEvento(FATO, { particao: 0, posicao: 7, epoca: EPOCA }))
const ler = (evento: unknown) => lerEvento(z.object({ n: z.number() }), 7, evento)

test('what the log writes is read back, with the fields that its reader knows', () => {
  const lido = ler({ ...escrito(), data: { n: 1, novidade: 2 } })
  expect(lido).toEqual({ ok: true, evento: escrito() })
})

const VALUES: readonly unknown[] = [undefined, null, '', 'x', '1.0', 1, -1, 1.5, 2 ** 60, {}, [], ID, ID.toUpperCase()]

test('an envelope is accepted exactly where its schema accepts it, whatever stands in any of its fields', () => {
  for (const field of Object.keys(EventoSchema.shape).filter((name) => name !== 'data' && name !== 'sequence')) {
    for (const value of VALUES) {
      const evento = { ...escrito(), [field]: value }
      const verdict = EventoSchema.safeParse(evento)
      const motivo = `not an event: ${field}`
      expect(ler(evento), `${field} = ${JSON.stringify(value)}`).toMatchObject(
        verdict.success ? { ok: true } : { ok: false, motivo },
      )
    }
  }
})

test('what is no event, stands elsewhere or lacks what its reader needs is refused by name', () => {
  expect(ler(null)).toMatchObject({ ok: false })
  expect(ler('text')).toMatchObject({ ok: false })
  expect(ler({ ...escrito(), sequence: '7' })).toEqual({ ok: false, motivo: 'not an event: sequence' })
  expect(ler({ ...escrito(), sequence: '0000000000000008' })).toMatchObject({
    motivo: expect.stringMatching('position'),
  })
  expect(ler({ ...escrito(), data: { n: 'x' } })).toEqual({ ok: false, motivo: 'data: n' })
})
