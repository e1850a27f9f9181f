import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../stage/quantile.ts'
import type { CarefulClient } from './client.ts'
import type { Driver } from './driver.ts'
import { becomesExact } from './exact.ts'
import type { Audit } from './ledger.ts'
import type { Model } from './model.ts'
import { tooMuch } from './noticed.ts'
import type { OrderCounts, Orders } from './orders/orders.ts'
import type { Round } from './plan.ts'
import type { OrderResult, RoundResult } from './report.ts'
import type { World } from './world.ts'

/** What a round needs. */
export type Ground = {
  world: World
  client: CarefulClient
  driver: Driver
  model: Model
  orders: Orders
  audit: (options?: { fromStart?: boolean }) => Promise<Audit>
}

/** Requests before the fault, so that it comes in the middle of them, and after it. */
const BEFORE_MS = 500
const AFTER_MS = 300
/** From the end of a fault until all that was begun is answered, and until everything is exact. */
const SETTLE_TIMEOUT_MS = 60_000
const EXACT_TIMEOUT_MS = 60_000

/** Breaks what the plan says and mends it again, requests going on all the time. */
const disturb = async ({ world }: Ground, { fault, aim, also }: Round): Promise<void> => {
  const heal = await fault.inject(world, aim)
  let healAlso = async (): Promise<void> => {}
  try {
    await delay(aim.holdMs / 2)
    if (also !== undefined) healAlso = await also.fault.inject(world, also.aim)
    await delay(aim.holdMs / 2)
  } finally {
    await heal()
    await healAlso()
  }
}

/** What the orders' counts came to between two moments. */
const between = (before: OrderCounts, after: OrderCounts, { lost, duplicated }: Audit): OrderResult => ({
  orders: after.orders - before.orders,
  moves: after.moves - before.moves,
  outrun: after.outrun - before.outrun,
  paid: after.paid - before.paid,
  reversed: after.reversed - before.reversed,
  events: after.webhooks.taken - before.webhooks.taken,
  again: after.webhooks.again - before.webhooks.again,
  stale: after.webhooks.stale - before.webhooks.stale,
  asked: after.webhooks.asked - before.webhooks.asked,
  lost: lost.length,
  duplicated: duplicated.length,
})

/** The findings of an audit in words. */
export const problemsOf = ({ lost, duplicated, wrong }: Audit): string[] => [
  ...lost.map((what) => `lost: ${what}`),
  ...duplicated.map((what) => `twice: ${what}`),
  ...wrong,
]

/** One round: requests, a fault in the middle of them, quiet, and the books. `problems` is empty where all is as it must be. */
export const playRound = async (
  ground: Ground,
  round: Round,
): Promise<{ result: RoundResult; problems: string[]; exact: boolean }> => {
  const { world, client, driver, model, orders, audit } = ground
  const [before, ordersBefore] = [client.counts(), orders.counts()]
  client.takeTimes()
  driver.go()
  await delay(BEFORE_MS)
  await disturb(ground, round)
  const mended = performance.now()
  await delay(AFTER_MS)
  driver.pause()
  const problems: string[] = []
  const settled = await driver.settled(SETTLE_TIMEOUT_MS)
  if (!settled) problems.push(`${model.open()} entries, or orders, got no answer within ${SETTLE_TIMEOUT_MS / 1_000} s`)
  const differences = await becomesExact(ground, settled ? EXACT_TIMEOUT_MS : 0)
  const exactSeconds = (performance.now() - mended) / 1_000
  problems.push(...differences)
  for (const { wires, asks } of world.instances)
    for (const wire of [...Object.values(wires), ...Object.values(asks)]) wire.forget()
  const ofOrders = await orders.audit()
  const ofLedger = await audit()
  problems.push(...problemsOf(ofOrders), ...problemsOf(ofLedger))
  problems.push(...client.takeComplaints(), ...orders.takeComplaints(), ...world.takeCrashes())
  const after = client.counts()
  const exact = settled && differences.length === 0
  const noticed = {
    requests: after.requests - before.requests,
    refused: after.refused - before.refused,
    unanswered: after.unanswered - before.unanswered,
    p99Ms: quantile(client.takeTimes(), 0.99),
  }
  if (round.fault.attack && round.also === undefined) problems.push(...tooMuch(noticed))
  const result = {
    fault: round.fault.name,
    also: round.also?.fault.name,
    ...noticed,
    lost: ofLedger.lost.length,
    duplicated: ofLedger.duplicated.length,
    exactSeconds: exact ? exactSeconds : undefined,
    orders: between(ordersBefore, orders.counts(), ofOrders),
  }
  return { result, problems, exact }
}
