import { createHmac } from 'node:crypto'

/** What every secret of a webhook begins with (Standard Webhooks); the rest is base64. */
const PREFIX = 'whsec_'
/** As long as the hash: a longer key adds nothing (RFC 2104), a shorter one weakens it. */
export const SECRET_BYTES = 32

/** What is signed: the message's id, the moment of the attempt in Unix seconds, and the very bytes of the body. */
type SignedMessage = { id: string; timestamp: number; body: string }

/** A secret as the merchant gets it, of random bytes. */
export const secretOf = (bytes: Uint8Array): string => PREFIX + Buffer.from(bytes).toString('base64')

/** The secrets that sign now: the current one, and the one before while its receiver may not have changed yet. */
export type WebhookSecrets = { segredo: string; previous: string | undefined; previousUntil: Date | undefined }

export const validSecrets = ({ segredo: secret, previous, previousUntil }: WebhookSecrets, now: Date): string[] =>
  previous !== undefined && previousUntil !== undefined && now < previousUntil ? [secret, previous] : [secret]

const sign = (secret: string, { id, timestamp, body }: SignedMessage): string => {
  const chave = Buffer.from(secret.slice(PREFIX.length), 'base64')
  return `v1,${createHmac('sha256', chave).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

/** The headers by which a receiver knows a message, its age and its sender: one signature for each secret. */
export const signatureHeaders = (message: SignedMessage, secrets: readonly string[]) => ({
  'webhook-id': message.id,
  'webhook-timestamp': String(message.timestamp),
  'webhook-signature': secrets.map((secret) => sign(secret, message)).join(' '),
})
