import { createHmac } from 'node:crypto'

/** What every secret of a webhook begins with (Standard Webhooks); the rest is base64. */
const PREFIXO = 'whsec_'
/** As long as the hash: a longer key adds nothing (RFC 2104), a shorter one weakens it. */
export const SEGREDO_BYTES = 32

/** What is signed: the message's id, the moment of the attempt in Unix seconds, and the very bytes of the body. */
type Mensagem = { id: string; timestamp: number; corpo: string }

/** A secret as the merchant gets it, of random bytes. */
export const segredoDe = (bytes: Uint8Array): string => PREFIXO + Buffer.from(bytes).toString('base64')

/** The secrets that sign now: the current one, and the one before while its receiver may not have changed yet. */
export type Segredos = { segredo: string; anterior: string | undefined; anteriorAte: Date | undefined }

export const segredosVigentes = ({ segredo, anterior, anteriorAte }: Segredos, agora: Date): string[] =>
  anterior !== undefined && anteriorAte !== undefined && agora < anteriorAte ? [segredo, anterior] : [segredo]

const assinar = (segredo: string, { id, timestamp, corpo }: Mensagem): string => {
  const chave = Buffer.from(segredo.slice(PREFIXO.length), 'base64')
  return `v1,${createHmac('sha256', chave).update(`${id}.${timestamp}.${corpo}`).digest('base64')}`
}

/** The headers by which a receiver knows a message, its age and its sender: one signature for each secret. */
export const cabecalhosDa = (mensagem: Mensagem, segredos: readonly string[]) => ({
  'webhook-id': mensagem.id,
  'webhook-timestamp': String(mensagem.timestamp),
  'webhook-signature': segredos.map((segredo) => assinar(segredo, mensagem)).join(' '),
})
