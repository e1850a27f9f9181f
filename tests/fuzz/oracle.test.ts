import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { operationsOf } from '../stage/openapi-document.ts'
import type { Case } from './case.ts'
import { complaintsOf } from './oracle.ts'
import type { Answer } from './wire.ts'

const document: unknown = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'))
const operation = operationsOf('lancamentos', document).find(
  ({ path, method }) => `${method} ${path}` === 'POST /lancamentos',
)
if (operation === undefined) throw new Error('POST /lancamentos is not documented')
const CASE: Case = { number: 1, class: 'valid', operation, pieces: [], beside: [], answersMax: 1 }

const answer = (status: number, body: object, type = 'application/problem+json'): Answer => ({
  status,
  headers: { 'content-type': type, 'x-request-id': 'x', 'retry-after': '1', 'www-authenticate': 'Bearer' },
  body: JSON.stringify(body),
})
const problem = (status: number, codigo: string): Answer =>
  answer(status, { type: `/problemas/${codigo}`, title: 't', status, detail: 'd', instance: '/', codigo })
const complaints = (one: Answer, beside: readonly number[] = []) =>
  complaintsOf({ ...CASE, beside }, { answers: [one], rest: 0, hung: false, ms: 1 })

test('a documented refusal is right, and so is what may stand beside the operation', () => {
  expect(complaints(problem(409, 'referencia-duplicada'))).toEqual([])
  expect(complaints(problem(404, 'nao-encontrado'), [404])).toEqual([])
})

test('a code that the operation does not document is a complaint, though its status is documented', () => {
  expect(complaints(problem(409, 'ja-estornado'))).toEqual(['the code ja-estornado is not documented'])
  expect(complaints(problem(422, 'lote-vazio'))).toEqual(['the code lote-vazio is not documented'])
})

test('a status that is not documented is a complaint, and so is a body of another form', () => {
  expect(complaints(problem(404, 'nao-encontrado'))[0]).toContain('404 is not documented')
  expect(complaints(answer(201, { id: 'x' }, 'application/json'))[0]).toContain('not as documented')
})
