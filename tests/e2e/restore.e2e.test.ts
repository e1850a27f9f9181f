import { rm } from 'node:fs/promises'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { afterEach, describe, expect, test } from 'vitest'
import { backupFolder, backupTools } from '../stage/backup.ts'
import { startService } from '../stage/service-process.ts'
import { type System, startSystem } from '../stage/system.ts'
import { expectExactBooks } from './books.ts'
import { alarmed, command, rebuilt, say, seconds, VERIFIED_EVERY_SECOND, writing } from './restore-drill.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})
const later = <T>(close: (value: T) => Promise<unknown>, value: T): T => {
  closers.push(() => close(value))
  return value
}

const start = async (shape: Parameters<typeof startSystem>[0] = {}): Promise<System> =>
  later((system) => system.stop(), await startSystem({ env: VERIFIED_EVERY_SECOND, ...shape }))

/** What docs/operations.md tells to do after a ledger was restored. */
const renewEpoch = (ledger: Sql) => ledger`update log_estado set epoca = gen_random_uuid()`

const headOf = async (ledger: Sql): Promise<number> => {
  const [row] = await ledger<{ ultima: number }[]>`select ultima::int as ultima from posicao`
  return row?.ultima ?? 0
}

/** Both orders with the tool that operators use; the other tool once. */
const [best, ...others] = backupTools()
const CASES = [
  ...(best === undefined
    ? []
    : [
        { tool: best, balances: 'behind' },
        { tool: best, balances: 'ahead' },
      ]),
  ...others.map((tool) => ({ tool, balances: 'ahead' })),
].map((one) => ({ ...one, name: one.tool.name }))

describe('backups taken under load, restored into new databases with an empty Redis', () => {
  test.each(CASES)(
    'by $name, the balances saved where they were $balances: ends exact',
    async ({ tool, name, balances }) => {
      const { backup } = tool
      const folder = later((path) => rm(path, { recursive: true, force: true }), await backupFolder())
      const old = await start()
      const load = later((load) => load.close(), await writing(old))
      await load.atLeast(200)
      const saveBalances = async () => {
        const saved = await backup(old.databases.balances, folder)
        // Some hundreds more in the ledger: the two are not of one moment, whichever was first.
        await load.atLeast(load.acknowledged.length + 200)
        return saved
      }
      const first = balances === 'behind' ? await saveBalances() : undefined
      const since = performance.now()
      const ledgerCopy = await backup(old.databases.ledger, folder)
      if (first === undefined) {
        await load.atLeast(load.acknowledged.length + 200)
        await old.caughtUp().catch(() => {})
      }
      const balancesCopy = first ?? (await saveBalances())
      await load.stop()
      const safe = load.acknowledged.filter(({ at }) => at < since).map(({ id }) => id)

      const began = performance.now()
      const databases = { ledger: await ledgerCopy.restore(), balances: await balancesCopy.restore() }
      const restored = seconds(began)
      const owner = later(closeSql, createSql({ url: databases.ledger.ownerUrl, max: 1, name: 'drill' }))
      // Ahead, and the step of the epoch forgotten: noticed all the same.
      if (balances === 'behind') await renewEpoch(owner)
      const system = await start({ databases })
      const [reader] = system.consolidado
      if (reader === undefined) throw new Error('invariant: a consolidado runs')
      await alarmed(reader, true)
      const noticed = seconds(began)
      if (balances === 'ahead') await renewEpoch(owner)
      await rebuilt(system.consolidadoEnv)
      await system.caughtUp()
      const stored = await expectExactBooks(system)
      const exact = seconds(began)

      const ids = new Set((await system.ledger<{ id: string }[]>`select id from lancamentos`).map(({ id }) => id))
      expect(safe.length).toBeGreaterThan(0)
      expect(safe.filter((id) => !ids.has(id))).toEqual([])
      expect(stored).toBeLessThan(load.acknowledged.length)
      await load.post(system.lancamentos[0]?.url, [await system.as('loja-1')])
      await system.caughtUp()
      expect(await expectExactBooks(system)).toBe(stored + 1)
      await alarmed(reader, false)
      expect(await command('verify.ts', system.consolidadoEnv)).toMatchObject({ code: 0 })
      say(
        `${name}, balances ${balances}: saved in ${Math.round(ledgerCopy.ms)} and ${Math.round(balancesCopy.ms)} ms; ` +
          `${stored} of ${load.acknowledged.length} entries; restored in ${restored} s, noticed after ${noticed} s, exact after ${exact} s`,
      )
    },
  )
})

describe('an older ledger under a running consolidado', () => {
  test.each([
    ['by the procedure', true],
    ['with the step of the epoch forgotten', false],
  ])('%s: noticed, alarmed, rebuilt, exact; nothing is deduped in silence', async (how, renewed) => {
    const folder = later((path) => rm(path, { recursive: true, force: true }), await backupFolder())
    const system = await start()
    const [writer, reader] = [system.lancamentos[0], system.consolidado[0]]
    const [tool] = backupTools()
    if (writer === undefined || reader === undefined || tool === undefined) throw new Error('invariant: all is there')
    const load = later((load) => load.close(), await writing(system))
    await load.atLeast(200)
    const copy = await tool.backup(system.databases.ledger, folder)
    await load.atLeast(load.acknowledged.length + 200)
    await load.stop()
    await system.caughtUp()
    const before = await system.balances`select * from saldo order by comerciante_id, data`

    const began = performance.now()
    await writer.end('SIGTERM')
    const ledgerDb = later((database) => database.drop(), await copy.restore())
    const ledger = later(closeSql, createSql({ url: ledgerDb.ownerUrl, max: 1, name: 'drill' }))
    if (renewed) await renewEpoch(ledger)
    const env = { ...system.consolidadoEnv, DATABASE_URL_LANCAMENTOS: ledgerDb.appUrl, PORT: new URL(writer.url).port }
    const again = later((service) => service.end('SIGTERM'), await startService('lancamentos', env))
    const lost = load.acknowledged.length - (await headOf(ledger))
    expect(lost).toBeGreaterThan(0)
    // Every position that was lost is handed out again, and some more, so that the new head hides that anything was lost.
    await Promise.all(Array.from({ length: lost + 50 }, () => load.post(again.url)))
    await alarmed(reader, true)
    const noticed = seconds(began)
    expect([...(await system.balances`select * from saldo order by comerciante_id, data`)]).toEqual([...before])

    if (!renewed) await renewEpoch(ledger)
    await rebuilt(system.consolidadoEnv)
    await load.post(again.url)
    const books = { ledger, balances: system.balances }
    await system.applied(await headOf(ledger))
    const stored = await expectExactBooks(books)
    await alarmed(reader, false)
    expect(await command('verify.ts', system.consolidadoEnv)).toMatchObject({ code: 0 })
    say(
      `older ledger, ${how} (${tool.name}): ${lost} entries lost, ${stored} stored; noticed after ${noticed} s, exact after ${seconds(began)} s`,
    )
  })
})
