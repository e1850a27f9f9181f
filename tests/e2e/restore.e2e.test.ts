import { rm } from 'node:fs/promises'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { describe, expect, test } from 'vitest'
import { backupFolder, backupTools } from '../stage/backup.ts'
import { closedAfterEach } from '../stage/later.ts'
import { type Shape, type System, startSystem } from '../stage/system.ts'
import { expectExactBooks } from './books.ts'
import { alarmed, command, rebuilt, say, seconds, VERIFIED_EVERY_SECOND, writing } from './restore-drill.ts'

const later = closedAfterEach()

const start = async (databases?: Shape['databases']): Promise<System> => {
  const shape = { lancamentos: 1, consolidado: 1, env: VERIFIED_EVERY_SECOND, databases }
  return later((system) => system.stop(), await startSystem(shape))
}

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
        const saved = await backup(old.databases.consolidado, folder)
        // Some hundreds more in the ledger: the two are not of one moment, whichever was first.
        await load.atLeast(load.acknowledged.length + 200)
        return saved
      }
      const first = balances === 'behind' ? await saveBalances() : undefined
      const since = performance.now()
      const ledgerCopy = await backup(old.databases.lancamentos, folder)
      if (first === undefined) {
        await load.atLeast(load.acknowledged.length + 200)
        await old.caughtUp().catch(() => {})
      }
      const balancesCopy = first ?? (await saveBalances())
      await load.stop()
      const safe = load.acknowledged.filter(({ at }) => at < since).map(({ id }) => id)

      const began = performance.now()
      const databases = { lancamentos: await ledgerCopy.restore(), consolidado: await balancesCopy.restore() }
      const restored = seconds(began)
      const owner = later(closeSql, createSql({ url: databases.lancamentos.ownerUrl, max: 1, name: 'drill' }))
      // Ahead, and the step of the epoch forgotten: noticed all the same.
      if (balances === 'behind') await renewEpoch(owner)
      const system = await start(databases)
      const [reader] = system.instances.consolidado
      if (reader === undefined) throw new Error('invariant: a consolidado runs')
      await alarmed(reader, true)
      const noticed = seconds(began)
      if (balances === 'ahead') await renewEpoch(owner)
      await rebuilt(system.env('consolidado'))
      await system.caughtUp()
      const stored = await expectExactBooks(system.sql)
      const exact = seconds(began)

      const ids = new Set(
        (await system.sql.lancamentos<{ id: string }[]>`select id from lancamentos`).map(({ id }) => id),
      )
      expect(safe.length).toBeGreaterThan(0)
      expect(safe.filter((id) => !ids.has(id))).toEqual([])
      expect(stored).toBeLessThan(load.acknowledged.length)
      await load.post(system.url('lancamentos'), [await system.as('loja-1')])
      await system.caughtUp()
      expect(await expectExactBooks(system.sql)).toBe(stored + 1)
      await alarmed(reader, false)
      expect(await command('verify.ts', system.env('consolidado'))).toMatchObject({ code: 0 })
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
    const [writer, reader] = [system.instances.lancamentos[0], system.instances.consolidado[0]]
    const [tool] = backupTools()
    if (writer === undefined || reader === undefined || tool === undefined) throw new Error('invariant: all is there')
    const load = later((load) => load.close(), await writing(system))
    await load.atLeast(200)
    const copy = await tool.backup(system.databases.lancamentos, folder)
    await load.atLeast(load.acknowledged.length + 200)
    await load.stop()
    await system.caughtUp()
    const before = await system.sql.consolidado`select * from saldo order by comerciante_id, data`

    const began = performance.now()
    await writer.end('SIGTERM')
    const ledgerDb = later((database) => database.drop(), await copy.restore())
    const ledger = later(closeSql, createSql({ url: ledgerDb.ownerUrl, max: 1, name: 'drill' }))
    if (renewed) await renewEpoch(ledger)
    const place = { DATABASE_URL_LANCAMENTOS: ledgerDb.appUrl, PORT: new URL(writer.url).port }
    const again = await system.add('lancamentos', place)
    const lost = load.acknowledged.length - (await headOf(ledger))
    expect(lost).toBeGreaterThan(0)
    // Every position that was lost is handed out again, and some more, so that the new head hides that anything was lost.
    await Promise.all(Array.from({ length: lost + 50 }, () => load.post(again.url)))
    await alarmed(reader, true)
    const noticed = seconds(began)
    expect([...(await system.sql.consolidado`select * from saldo order by comerciante_id, data`)]).toEqual([...before])

    if (!renewed) await renewEpoch(ledger)
    await rebuilt(system.env('consolidado'))
    await load.post(again.url)
    const books = { lancamentos: ledger, consolidado: system.sql.consolidado }
    await system.applied(await headOf(ledger))
    const stored = await expectExactBooks(books)
    await alarmed(reader, false)
    expect(await command('verify.ts', system.env('consolidado'))).toMatchObject({ code: 0 })
    say(
      `older ledger, ${how} (${tool.name}): ${lost} entries lost, ${stored} stored; noticed after ${noticed} s, exact after ${seconds(began)} s`,
    )
  })
})
