import { request } from 'node:http'
import { Readable } from 'node:stream'
import { expect } from 'vitest'
import type { LedgerTestApp } from './test-app.ts'

export type UploadReport = Record<'linhas' | 'criados' | 'repetidos' | 'recusados', number> & {
  erros: { linha: number; coluna: string | null; motivo: string }[]
}

export const HEADER = 'data,tipo,valor,descricao,referencia\n'
export const line = (i: number, referencia = ''): string => `2025-10-15,CREDITO,${i}.00,Venda ${i},${referencia}\n`
export const lines = (count: number): string => Array.from({ length: count }, (_, i) => line(i + 1)).join('')

let merchants = 0
/** A merchant that no other test has. */
export const newComerciante = (): string => {
  merchants += 1
  return `loja-${merchants}`
}

type Body = string | Buffer | Readable | FormData
type UploadOptions = { contentType?: string; de?: string }

/** Sends files to a bench, each as a new merchant unless `merchant` names one. */
export function createUploads(stage: () => LedgerTestApp) {
  const send = async (
    content: Body,
    { contentType = 'text/csv', de: merchant = newComerciante() }: UploadOptions = {},
  ) => {
    const ask = await stage().askAs(merchant)
    const body = (content instanceof Readable ? Readable.toWeb(content) : content) as NonNullable<RequestInit['body']>
    const headers = content instanceof FormData ? {} : { 'content-type': contentType }
    return ask('/lancamentos/importacoes', { method: 'POST', headers, body, duplex: 'half' })
  }

  return {
    send,
    /** Sends a file that has to be taken, and gives the report. */
    importar: async (content: Body, options?: UploadOptions): Promise<UploadReport> => {
      const answer = await send(content, options)
      const report = (await answer.json()) as UploadReport
      expect([answer.status, report]).toMatchObject([200, {}])
      return report
    },
    /** Begins an upload of ten million bytes and sends the first of them. */
    openUpload: async (merchant: string, beginning = HEADER) => {
      const headers = {
        authorization: await stage().authorizationOf(merchant),
        'content-type': 'text/csv',
        'content-length': 10_000_000,
      }
      const req = request(`${stage().url}/lancamentos/importacoes`, { method: 'POST', headers })
      req.on('error', () => {})
      req.write(beginning)
      return req
    },
    count: async (merchant: string): Promise<number> => {
      const [total] = await stage().sql`select count(*)::int as n from lancamentos where comerciante_id = ${merchant}`
      return Number(total?.['n'])
    },
  }
}
