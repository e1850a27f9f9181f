import { signToken } from '@fluxo/shared/http/tokens'
import { gatherAudience } from './audience.ts'
import { createBooks } from './books.ts'
import { createClient } from './client.ts'
import { checkDeliveries, checkDeliveryRefusals } from './deliveries.ts'
import { checkBooks, checkDemand, checkIndependence, checkOrders } from './demand.ts'
import * as disturb from './disturbances.ts'
import { endCommands, missingEngine } from './engine.ts'
import { checkFloods } from './floods.ts'
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
import { createOrders, ORDER_SCOPES } from './orders.ts'
import { checkPageKeys } from './page-keys.ts'
import { createReport, type Report } from './report.ts'
import { checkRestore } from './restore.ts'
import { rollServices } from './roll.ts'
import { checkImageSecrets, checkRunningSecrets, plantSecret } from './secrets.ts'
import { createStack, type Stack } from './stack.ts'
import { checkTlsAndLimits } from './tls.ts'
import { checkUpgrade } from './upgrade.ts'
import { checkBooksTold, checkTold, checkWebhooks, createWebhook, LOAD_WEBHOOK } from './webhooks.ts'

/** Modest on purpose: two cores carry the load, the generator and every container. */
const RATES = { readsPerSecond: 150, writesPerSecond: 50, ordersPerSecond: 10 }
const MERCHANTS = Array.from({ length: 20 }, (_, n) => `loja-${n + 1}`)
const SENDERS = Array.from({ length: 4 }, (_, n) => `entregador-${n + 1}`)
const DAYS = ['2025-05-01', '2025-05-02', '2025-05-03']
const SCALE = ['--scale', 'consolidado=3', '--scale', 'lancamentos=2', '--scale', 'entregas=2', '--scale', 'avisos=2']
/** Everything together takes some eight minutes on two cores that are busy with little else. */
const TEST_TIMEOUT_MS = 30 * 60_000

const start = async (stack: Stack, report: Report): Promise<void> => {
  const building = performance.now()
  const takeAway = await plantSecret()
  await stack.compose('build').finally(takeAway)
  await report.part('A volume from before avisos', () => checkUpgrade({ stack, report }))
  const starting = performance.now()
  await stack.compose('up', '-d', '--wait', ...SCALE)
  const [built, ready] = [starting - building, performance.now() - starting].map((ms) => (ms / 1_000).toFixed(1))
  report.check(
    'docker compose up is ready',
    true,
    `${ready} s after the build (${built} s), with 2 lancamentos, 2 entregas, 2 avisos and 3 consolidado`,
  )
}

type Actors = {
  client: ReturnType<typeof createClient>
  books: Awaited<ReturnType<typeof createBooks>>
  orders: Awaited<ReturnType<typeof createOrders>>
}

const underLoad = async (stack: Stack, report: Report, deps: Actors & { token: string }) => {
  const { client, orders, token } = deps
  const [told = ''] = orders.merchants
  await createWebhook(client, orders.tokenOf(told), LOAD_WEBHOOK.url)
  const load = startLoad(deps, RATES)
  const all = { stack, load, report }
  try {
    await report.part('Distribution', () => disturb.checkSpread(all))
    await report.part('A consolidado is killed', () => disturb.killOne(all, 'consolidado'))
    await report.part('A lancamentos is killed', () => disturb.killOne(all, 'lancamentos'))
    await report.part('An entregas is killed, with streams open', async () => {
      const audience = await gatherAudience({ client, url: stack.url, report, token })
      await disturb.killOne(all, 'entregas')
      await audience.close()
    })
    await report.part('Every avisos is killed', () => disturb.stopEveryAvisos(all))
    await report.part('A lancamentos is stopped', () => disturb.stopLancamentos(all))
    await report.part('consolidado is scaled', () => disturb.scaleConsolidado(all))
    await report.part('nginx is reloaded', () => disturb.reloadNginx(all))
    await report.part('Every service is rolled', () => rollServices(all))
  } finally {
    await load.stop()
  }
  await report.part('The books', () => checkBooks({ ...deps, report }))
  await report.part('The orders', async () => {
    await checkOrders({ ...deps, report })
    await checkTold({ stack, report, orders }, { merchant: told, path: LOAD_WEBHOOK.path })
  })
}

const test = async (stack: Stack, report: Report): Promise<void> => {
  const signing = { secret: stack.jwtSecret, expiresInSeconds: 3_600 }
  const sign = (comercianteId: string, scopes = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']) =>
    signToken({ ...signing, comercianteId, scopes })
  const client = createClient(stack.url)
  const outside = { stack, client, report, serviceToken: await sign('servico', ['eventos:ler', 'admin']) }
  await report.part('The compose file', () => checkComposeFile(outside))
  await start(stack, report)
  const books = await createBooks(stack.jwtSecret, MERCHANTS, DAYS)
  const orders = await createOrders(stack.jwtSecret, SENDERS)
  const token = await sign('loja-do-dia')
  const sender = await sign('loja-de-pedidos', ORDER_SCOPES)
  const all = { stack, client, books, orders, report }
  const slow = slowClient(stack.url)
  try {
    await report.part('A merchant through nginx', () => checkMerchantDay({ client, report, token }))
    await report.part('Orders through nginx', () => checkDeliveries({ client, report, token: sender }))
    await report.part('The key of a page', () => checkPageKeys({ stack, client, report, token: sender }))
    await report.part('Webhooks', () => checkWebhooks({ stack, client, report, token: sender }))
    const told = await sign('loja-avisada', ['lancamentos:escrever', 'avisos:escrever', 'avisos:ler'])
    await report.part('Entries and days are told', () => checkBooksTold({ stack, client, report, token: told }))
    await report.part('Refusals', async () => {
      await checkRefusals({ url: stack.url, report, token })
      await checkDeliveryRefusals({ url: stack.url, report, token: sender })
    })
    await report.part('From outside', () => checkDoors(outside))
    const other = await sign('outra-loja')
    const tokens = { merchant: await sign('loja-do-caos'), other, service: outside.serviceToken }
    await report.part('Hostile requests', () => checkHostile({ stack, report, tokens }))
    await report.part('Containers', () => checkContainers(outside))
    await report.part('Image', () => checkImage(outside))
    await report.part('Secrets of the image', () => checkImageSecrets(outside))
    const followed = await sign('loja-ao-vivo', ORDER_SCOPES)
    await underLoad(stack, report, { client, books, orders, token: followed })
    await report.part('50 reads/s through failures', () => checkDemand(all))
    await report.part('lancamentos alone', () => checkIndependence(all))
    await report.part('Floods', () => checkFloods({ ...all, token }))
    await report.part('Commands of operation', () => checkOperation(outside))
    await report.part('Backup and restore', () => checkRestore({ stack, client, report, token: sender }))
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
