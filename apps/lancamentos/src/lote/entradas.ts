import { DomainError, ValidationError } from '@fluxo/shared/errors'
import { parseJsonExact } from '@fluxo/shared/http/body'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Pedido } from '../domain/lancamento.ts'
import { PedidoSchema } from '../domain/pedido.ts'
import { conferirTamanho, type Recusado, recusadoPorCampos } from './lote.ts'

/** One entry of a batch as it was read. */
export type Entrada = { linha: number; pedido: Pedido } | Recusado

/** Reads a JSON array. One that is no array is refused whole; a wrong entry only itself. */
export function lerJson(texto: string): Entrada[] {
  const lista = parseJsonExact(texto)
  if (!Array.isArray(lista)) {
    throw new ValidationError([{ campo: '', mensagem: 'Deve ser uma lista JSON de lançamentos.' }])
  }
  conferirTamanho(lista.length)
  return lista.map((valor: unknown, i) => lerEntrada(i + 1, () => valor))
}

/** Reads one JSON value per line. Blank lines at the end are nothing; elsewhere they are wrong, so that lines stay countable. */
export function lerNdjson(texto: string): Entrada[] {
  const linhas = texto.trimEnd().split('\n')
  conferirTamanho(linhas.length === 1 && linhas[0] === '' ? 0 : linhas.length)
  return linhas.map((linha, i) => lerEntrada(i + 1, () => parseJsonExact(linha)))
}

function lerEntrada(linha: number, ler: () => unknown): Entrada {
  try {
    return { linha, pedido: parseWith(PedidoSchema, ler()) }
  } catch (erro) {
    if (erro instanceof ValidationError) return recusadoPorCampos(linha, erro.erros)
    if (!(erro instanceof DomainError)) throw erro
    return { linha, situacao: 'recusado', erro: { codigo: erro.codigo, mensagem: 'A linha não é JSON válido.' } }
  }
}
