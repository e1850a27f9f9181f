import { request } from 'node:http'
import { Readable } from 'node:stream'
import { expect } from 'vitest'
import type { Bancada } from './bancada.ts'

export type Relatorio = Record<'linhas' | 'criados' | 'repetidos' | 'recusados', number> & {
  erros: { linha: number; coluna: string | null; motivo: string }[]
}

export const CABECALHO = 'data,tipo,valor,descricao,referencia\n'
export const linha = (i: number, referencia = ''): string => `2025-10-15,CREDITO,${i}.00,Venda ${i},${referencia}\n`
export const linhas = (quantas: number): string => Array.from({ length: quantas }, (_, i) => linha(i + 1)).join('')

let lojas = 0
/** A merchant that no other test has. */
export const novoComerciante = (): string => {
  lojas += 1
  return `loja-${lojas}`
}

type Corpo = string | Buffer | Readable | FormData
type Opcoes = { contentType?: string; de?: string }

/** Sends files to a bench, each as a new merchant unless `de` names one. */
export function createEnvio(bancada: () => Bancada) {
  const enviar = async (corpo: Corpo, { contentType = 'text/csv', de = novoComerciante() }: Opcoes = {}) => {
    const pedir = await bancada().como(de)
    const body = (corpo instanceof Readable ? Readable.toWeb(corpo) : corpo) as NonNullable<RequestInit['body']>
    const headers = corpo instanceof FormData ? {} : { 'content-type': contentType }
    return pedir('/lancamentos/importacoes', { method: 'POST', headers, body, duplex: 'half' })
  }

  return {
    enviar,
    /** Sends a file that has to be taken, and gives the report. */
    importar: async (corpo: Corpo, opcoes?: Opcoes): Promise<Relatorio> => {
      const resposta = await enviar(corpo, opcoes)
      const relatorio = (await resposta.json()) as Relatorio
      expect([resposta.status, relatorio]).toMatchObject([200, {}])
      return relatorio
    },
    /** Begins an upload of ten million bytes and sends the first of them. */
    abrir: async (de: string, inicio = CABECALHO) => {
      const headers = {
        authorization: await bancada().autorizacao(de),
        'content-type': 'text/csv',
        'content-length': 10_000_000,
      }
      const req = request(`${bancada().url}/lancamentos/importacoes`, { method: 'POST', headers })
      req.on('error', () => {})
      req.write(inicio)
      return req
    },
    contar: async (de: string): Promise<number> => {
      const [total] = await bancada().sql`select count(*)::int as n from lancamentos where comerciante_id = ${de}`
      return Number(total?.['n'])
    },
  }
}
