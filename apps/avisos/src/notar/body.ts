/** The body of what is told (Standard Webhooks): what happened, when, and what it is about. */
export const avisoBody = (tipo: string, at: string, data: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ type: tipo, timestamp: at, data })

/** What a merchant sends itself to try a webhook. */
export const TEST_TIPO = 'webhook.teste'

/** An expression of SQL that makes the same body; `at` and `data` (JSON text) are expressions. */
export const bodyInSql = (tipo: string, at: string, data: string): string =>
  `'{"type":"${tipo}","timestamp":"' || to_char(${at} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '","data":' || ${data} || '}'`
