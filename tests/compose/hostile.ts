import { runCases, tableOf } from '../fuzz/run.ts'
import { prepare } from '../fuzz/surroundings.ts'
import { isOfServices } from '../stage/openapi-document.ts'
import type { Report } from './report.ts'
import type { Stack } from './stack.ts'

const REQUESTS = 3_000
const SEED = 7
/** nginx refuses by itself what it cannot read or pass on, and counts requests. */
const OF_NGINX = [400, 404, 405, 408, 413, 414, 429, 431]
const SHOWN_MAX = 10

/** Fuzzes everything through nginx: what is smuggled, piped or broken must not reach a service as another request. */
export const checkHostile = async (deps: {
  stack: Stack
  report: Report
  tokens: { merchant: string; other: string; service: string }
}): Promise<void> => {
  const { stack, report, tokens } = deps
  const doors = {
    lancamentos: { url: stack.url, document: `${stack.url}/openapi.json` },
    consolidado: { url: stack.url, document: `${stack.url}/openapi.json` },
  }
  const bearer = (token: string) => `Bearer ${token}`
  const around = await prepare(
    doors,
    { merchant: bearer(tokens.merchant), other: bearer(tokens.other), service: bearer(tokens.service) },
    ({ path }) => !isOfServices(path),
  )
  const result = await runCases({ seed: SEED, from: 0, to: REQUESTS, around, urlOf: () => stack.url, beside: OF_NGINX })
  const wrong = result.failures
    .slice(0, SHOWN_MAX)
    .map(({ number, complaints }) => `${number}: ${complaints.join('; ')}`)
  report.check(`${REQUESTS} hostile requests are answered as documented`, wrong.length === 0, wrong.join('\n'))
  for (const line of tableOf(result.counts).split('\n')) report.note(line)
}
