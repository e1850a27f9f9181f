/** The body of what is told (Standard Webhooks): what happened, when, and what it is about. */
export const avisoBody = (tipo: string, at: string, data: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ type: tipo, timestamp: at, data })

/** What a merchant sends itself to try a webhook. */
export const TEST_TIPO = 'webhook.teste'
