import { expect, test } from 'vitest'
import { z } from 'zod'
import { ValidationError } from '../errors.ts'
import { parseWith } from './validate.ts'

const Schema = z.strictObject({
  tipo: z.enum(['CREDITO', 'DEBITO']),
  descricao: z.string().min(1).max(5),
  data: z.iso.date(),
  limite: z.number().int().min(1).max(200).optional(),
  itens: z
    .array(z.object({ id: z.uuid() }))
    .max(1)
    .optional(),
  valor: z
    .string()
    .refine((text) => text !== '0', { error: 'O valor deve ser maior que zero.' })
    .optional(),
})

const VALID = { tipo: 'CREDITO', descricao: 'a', data: '2025-10-15' }

function errorsOf(change: Record<string, unknown>): Record<string, string> {
  try {
    parseWith(Schema, { ...VALID, ...change })
  } catch (error) {
    if (error instanceof ValidationError) {
      return Object.fromEntries(error.erros.map(({ campo: field, mensagem: message }) => [field, message]))
    }
    throw error
  }
  return {}
}

test('what is right passes', () => {
  expect(parseWith(Schema, VALID)).toEqual(VALID)
})

test.each([
  [{ tipo: undefined }, { tipo: 'Campo obrigatório.' }],
  [{ tipo: 'X' }, { tipo: 'Deve ser CREDITO ou DEBITO.' }],
  [{ descricao: 5 }, { descricao: 'Deve ser um texto.' }],
  [{ descricao: null }, { descricao: 'Deve ser um texto.' }],
  [{ descricao: '' }, { descricao: 'Deve ter no mínimo 1 caractere.' }],
  [{ descricao: 'abcdef' }, { descricao: 'Deve ter no máximo 5 caracteres.' }],
  [{ data: '2025-02-30' }, { data: 'Deve ser uma data no formato AAAA-MM-DD.' }],
  [{ limite: 0 }, { limite: 'Deve ser no mínimo 1.' }],
  [{ limite: 201 }, { limite: 'Deve ser no máximo 200.' }],
  [{ limite: 1.5 }, { limite: 'Deve ser um número inteiro.' }],
  [{ itens: [{ id: 'x' }] }, { 'itens.0.id': 'Deve ser um UUID.' }],
  [{ itens: [{}, {}] }, expect.objectContaining({ itens: 'Deve ter no máximo 1 item.' })],
  [
    { extra: 1, outra: 2 },
    { extra: 'Campo desconhecido.', outra: 'Campo desconhecido.' },
  ],
  [{ valor: '0' }, { valor: 'O valor deve ser maior que zero.' }],
])('%j is refused in Portuguese, field by field', (change, errors) => {
  expect(errorsOf(change)).toEqual(errors)
})

test('all wrong fields are told at once', () => {
  expect(Object.keys(errorsOf({ tipo: 'X', descricao: '', data: 'x' }))).toEqual(['tipo', 'descricao', 'data'])
})

test('a body of unknown fields is not echoed without limit', () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${'k'.repeat(200)}${index}`, 1]))
  const errors = Object.keys(errorsOf(many))
  expect(errors).toHaveLength(1)
  expect(errors[0]).toHaveLength(80)
  expect(Object.keys(errorsOf(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`k${n}`, 1]))))).toHaveLength(
    50,
  )
})

test('a field named __proto__ is an unknown field and nothing else', () => {
  const body = JSON.parse('{"__proto__":{"admin":true},"tipo":"CREDITO","descricao":"a","data":"2025-10-15"}')
  expect(() => parseWith(Schema, body)).toThrow(ValidationError)
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
})
