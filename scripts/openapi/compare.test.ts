import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { brokenPromises } from './compare.ts'
import { type Answer, type Document, named, type Parameter, type Schema } from './types.ts'

const read = (name: string): Document =>
  JSON.parse(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8'))
const RELEASED = read('openapi.released.json')

/** The document of the last release after one more change. */
const changed = (change: (document: Document) => void): Document => {
  const document = structuredClone(RELEASED)
  change(document)
  return document
}
const schemaOf = (document: Document, name: string): Schema => named(document.components.schemas, name)
const operationOf = (document: Document, path: string, method: string) => named(named(document.paths, path), method)
const drop = <T>(record: Record<string, T> | undefined, name: string): void => {
  expect(Object.keys(record ?? {})).toContain(name)
  delete record?.[name]
}
const without = (list: string[] | undefined, name: string): string[] => {
  expect(list).toContain(name)
  return (list ?? []).filter((one) => one !== name)
}

test('nothing that the last release promised is gone from the document', () => {
  expect(brokenPromises(RELEASED, read('openapi.json'))).toEqual([])
})

const BROKEN: [name: string, change: (document: Document) => void, complaint: string][] = [
  ['a removed operation', (d) => drop(d.paths['/lancamentos'], 'post'), 'registrarLancamento: removed'],
  ['a removed webhook', (d) => drop(d.webhooks, 'pedido.entregue.v1'), 'avisarPedidoEntregueV1: removed'],
  [
    'an operation at another address',
    (d) => {
      d.paths['/pedidos'] = { get: operationOf(d, '/orders', 'get') }
      drop(d.paths['/orders'], 'get')
    },
    'listarPedidos: moved from GET /orders to GET /pedidos',
  ],
  [
    'another scope',
    (d) => {
      operationOf(d, '/orders', 'get').security = [{ bearer: ['admin'] }]
    },
    'listarPedidos: another scope',
  ],
  [
    'a field that answers lose',
    (d) => drop(schemaOf(d, 'Lancamento').properties, 'valor'),
    'registrarLancamento 201: the field valor is gone',
  ],
  [
    'a field that a list loses',
    (d) => drop(schemaOf(d, 'EventoDoPedido').properties, 'seq'),
    'listarEventosDoPedido 200[]: the field seq is gone',
  ],
  [
    'a field that a webhook loses',
    (d) => drop(schemaOf(d, 'EventoDoPedido').properties, 'seq'),
    'avisarPedidoEntregueV1 body.data: the field seq is gone',
  ],
  [
    'a field that an alternative loses',
    (d) => drop(schemaOf(d, 'ItemRecusado').properties, 'erro'),
    'registrarLote 200[]: the field erro is gone',
  ],
  [
    'an alternative less',
    (d) => {
      schemaOf(d, 'ItemDoLote').oneOf = schemaOf(d, 'ItemDoLote').oneOf?.slice(1) ?? []
    },
    'registrarLote 200[]: #/components/schemas/ItemCriado is gone',
  ],
  [
    'a field of an answer that may be missing',
    (d) => {
      schemaOf(d, 'Lancamento').required = without(schemaOf(d, 'Lancamento').required, 'valor')
    },
    'obterLancamento 200: the field valor may be missing now',
  ],
  [
    'another type',
    (d) => {
      const valor = schemaOf(d, 'Lancamento').properties?.['valor'] as Schema
      valor.type = 'string'
    },
    'obterLancamento 200.valor: string instead of number',
  ],
  [
    'a field that requests may no longer have',
    (d) => drop(schemaOf(d, 'NovoLancamento').properties, 'referencia'),
    'registrarLancamento body: the field referencia is gone',
  ],
  [
    'a new required field of a request',
    (d) => {
      schemaOf(d, 'NovoLancamento').required?.push('referencia')
    },
    'registrarLancamento body: the field referencia is required now',
  ],
  [
    'a value that requests may no longer have',
    (d) => {
      const tipo = schemaOf(d, 'NovoLancamento').properties?.['tipo'] as Schema
      tipo.enum = ['CREDITO']
    },
    'registrarLancamento body.tipo: the value DEBITO is gone',
  ],
  [
    'a body that is required now',
    (d) => {
      const body = operationOf(d, '/lancamentos/{id}/estorno', 'post').requestBody as { required?: boolean }
      body.required = true
    },
    'estornarLancamento: the body is required now',
  ],
  [
    'a new required parameter',
    (d) => {
      const fresh: Parameter = { name: 'loja', in: 'query', required: true, schema: { type: 'string' } }
      operationOf(d, '/lancamentos', 'get').parameters?.push(fresh)
    },
    'listarLancamentos: the parameter query loja is required now',
  ],
  [
    'a parameter less',
    (d) => {
      operationOf(d, '/lancamentos', 'get').parameters?.splice(0, 1)
    },
    'listarLancamentos: the parameter query de is gone',
  ],
  [
    'a code that an operation loses',
    (d) => {
      const operation = operationOf(d, '/lancamentos', 'post')
      operation['x-codigos'] = without(operation['x-codigos'], 'referencia-duplicada')
    },
    'registrarLancamento: the code referencia-duplicada is gone',
  ],
  [
    'a code that nobody answers any more',
    (d) => {
      const codigo = schemaOf(d, 'Problema').properties?.['codigo'] as Schema
      codigo['x-codigos'] = without(codigo['x-codigos'] as string[], 'lote-vazio')
    },
    'Problema: the code lote-vazio is gone',
  ],
  [
    'an answer less',
    (d) => drop(operationOf(d, '/consolidado/{data}', 'get').responses, '304'),
    'obterSaldoDoDia: the answer 304 is gone',
  ],
  [
    'a header less',
    (d) => drop((operationOf(d, '/lancamentos', 'post').responses['201'] as Answer).headers, 'Fluxo-Posicao'),
    'registrarLancamento 201: the header Fluxo-Posicao is gone',
  ],
  [
    'a media type less',
    (d) => drop(operationOf(d, '/lancamentos/lote', 'post').requestBody?.content, 'application/x-ndjson'),
    'registrarLote body: the media type application/x-ndjson is gone',
  ],
]

describe('what breaks a client is found:', () => {
  test.each(BROKEN)('%s', (_, change, complaint) => {
    expect(brokenPromises(RELEASED, changed(change))).toContain(complaint)
  })
})

test('what a client may ignore breaks nothing: new operations, codes, answers’ fields, optional fields, values and words', () => {
  const next = changed((d) => {
    d.paths['/novo'] = { get: { ...operationOf(d, '/orders', 'get'), operationId: 'novo' } }
    operationOf(d, '/orders', 'get')['x-codigos']?.push('novo')
    operationOf(d, '/orders', 'get').parameters?.push({ name: 'novo', in: 'query', schema: { type: 'string' } })
    operationOf(d, '/orders', 'get').responses['207'] = { description: 'novo' }
    Object.assign(schemaOf(d, 'Lancamento').properties ?? {}, { novo: { type: 'string' } })
    schemaOf(d, 'Lancamento').required?.push('novo')
    Object.assign(schemaOf(d, 'NovoLancamento').properties ?? {}, { novo: { type: 'string' } })
    const tipo = schemaOf(d, 'NovoLancamento').properties?.['tipo'] as Schema
    tipo.enum = [...(tipo.enum ?? []), 'NOVO']
    schemaOf(d, 'Lancamento').description = 'novo'
    schemaOf(d, 'Lancamento').example = {}
  })
  expect(brokenPromises(RELEASED, next)).toEqual([])
})
