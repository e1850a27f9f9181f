import { signToken } from '@fluxo/shared/http/tokens'
import { createBooks } from './books.ts'
import { createClient } from './client.ts'
import { checkBooks, checkDemand, checkIndependence } from './demand.ts'
import * as disturb from './disturbances.ts'
import { endCommands, missingEngine } from './engine.ts'
import { checkMerchantDay, checkRefusals } from './functional.ts'
import {
  checkComposeFile,
  checkContainers,
  checkDoors,
  checkImage,
  checkOperation,
  isPatient,
  slowClient,
} from './hardening.ts'
import { checkHostile } from './hostile.ts'
import { startLoad } from './load.ts'
import { createReport, type Report } from './report.ts'
import { checkImageSecrets, checkRunningSecrets, plantSecret } from './secrets.ts'
import { createStack, type Stack } from './stack.ts'
import { checkTlsAndLimits } from './tls.ts'

/** Modest on purpose: two cores carry the load, the generator and every container. */
const RATES = { readsPerSecond: 150, writesPerSecond: 50 }
const MERCHANTS = Array.from({ length: 20 }, (_, n) => `loja-${n + 1}`)
const DAYS = ['2025-05-01', '2025-05-02', '2025-05-03']
const SCALE = ['--scale', 'consolidado=3', '--scale', 'lancamentos=2']
/** Everything together takes some six minutes on a quiet machine with two cores. */
const TEST_TIMEOUT_MS = 12 * 60_000

const start = async (stack: Stack, report: Report): Promise<void> => {
  const building = performance.now()
  const takeAway = await plantSecret()
  await stack.compose('build').finally(takeAway)
  const starting = performance.now()
  await stack.compose('up', '-d', '--wait', ...SCALE)
  const [built, ready] = [starting - building, performance.now() - starting].map((ms) => (ms / 1_000).toFixed(1))
  report.check(
    'docker compose up is ready',
    true,
    `${ready} s after the build (${built} s), with 2 lancamentos and 3 consolidado`,
  )
}

const underLoad = async (
  stack: Stack,
  report: Report,
  deps: { client: ReturnType<typeof createClient>; books: Awaited<ReturnType<typeof createBooks>> },
) => {
  const load = startLoad(deps.client, deps.books, RATES)
  const all = { stack, load, report }
  try {
    await report.part('Distribution', () => disturb.checkSpread(all))
    await report.part('A consolidado is killed', () => disturb.killConsolidado(all))
    await report.part('A lancamentos is stopped', () => disturb.stopLancamentos(all))
    await report.part('consolidado is scaled', () => disturb.scaleConsolidado(all))
    await report.part('nginx is reloaded', () => disturb.reloadNginx(all))
    await report.part('Both services are rolled', () => disturb.rollServices(all))
  } finally {
    await load.stop()
  }
  await report.part('The books', () => checkBooks({ ...deps, report }))
}

const test = async (stack: Stack, report: Report): Promise<void> => {
  await report.part('The compose file', () =>
    checkComposeFile({ stack, report, client: createClient(stack.url), serviceToken: '' }),
  )
  await start(stack, report)
  const client = createClient(stack.url)
  const books = await createBooks(stack.jwtSecret, MERCHANTS, DAYS)
  const sign = (comercianteId: string, scopes = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']) =>
    signToken({ secret: stack.jwtSecret, comercianteId, scopes, expiresInSeconds: 3_600 })
  const token = await sign('loja-do-dia')
  const slow = slowClient(stack.url)
  const outside = { stack, client, report, serviceToken: await sign('servico', ['eventos:ler', 'admin']) }
  try {
    await report.part('A merchant through nginx', () => checkMerchantDay({ client, report, token }))
    await report.part('Refusals', () => checkRefusals({ url: stack.url, report, token }))
    await report.part('From outside', () => checkDoors(outside))
    const other = await sign('outra-loja')
    const tokens = { merchant: await sign('loja-do-caos'), other, service: outside.serviceToken }
    await report.part('Hostile requests', () => checkHostile({ stack, report, tokens }))
    await report.part('Containers', () => checkContainers(outside))
    await report.part('Image', () => checkImage(outside))
    await report.part('Secrets of the image', () => checkImageSecrets(outside))
    await underLoad(stack, report, { client, books })
    await report.part('50 reads/s through failures', () => checkDemand({ stack, client, books, report }))
    await report.part('lancamentos alone', () => checkIndependence({ stack, client, books, report }))
    await report.part('Commands of operation', () => checkOperation(outside))
    await report.part('Containers after the load', () => checkContainers(outside))
    await report.part('Secrets of what ran', () => checkRunningSecrets(outside))
    await report.part('TLS and limits', async () => checkTlsAndLimits({ stack, report, tokens: [token, other] }))
    const ms = await slow
    report.check('a slow client is cut', isPatient(ms), `after ${(ms / 1_000).toFixed(1)} s`)
  } finally {
    client.close()
  }
}

/** The whole test; gives the exit code. Whatever happens, everything that it started is taken down. */
export const testCompose = async (): Promise<number> => {
  const missing = await missingEngine()
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`)
    return 0
  }
  const report = createReport()
  const stack = await createStack()
  const interrupted = Promise.withResolvers<string>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.resolve(signal))
  const timer = setTimeout(() => interrupted.resolve('the time limit'), TEST_TIMEOUT_MS)
  const ended = test(stack, report).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  const wrong = await Promise.race([ended, interrupted.promise])
  clearTimeout(timer)
  endCommands()
  if (wrong !== undefined) report.check('the test ran to its end', false, wrong)
  if (report.failures() > 0) console.log(`\n${await stack.words()}`)
  await stack.down()
  return report.close()
}
