import { expect, test } from 'vitest'
import { isTest, type SourceFile, sourceFiles } from './source-files.ts'

const PRODUCT = sourceFiles().filter((file) => /^(apps|shared)\//.test(file.path) && !isTest(file))
const TENANT_TABLES = /\b(from|join)\s+(saldo|lancamentos|pedido|evento|webhook|aviso|rastreio)\b/
/** `statement('name', text…)`, up to the text's end; `ownRows(` stands between the two where the statement goes through the door. */
const STATEMENT = /\bstatement\(\s*['`]([^'`]+)['`],\s*(ownRows\()?\s*(?:`([^`]*)`|'([^']*)'|\w+)/g

type Found = { path: string; name: string; own: boolean; text: string }
const statementsOf = (files: readonly SourceFile[]): Found[] =>
  files.flatMap(({ path, text }) =>
    [...text.matchAll(STATEMENT)].map(([, name = '', own, long = '', short = '']) => ({
      path,
      name,
      own: own !== undefined,
      text: long + short,
    })),
  )

/** Statements over merchants' rows that no merchant asks for by itself, and why each may see the rows of all. */
const FOR_ALL: Readonly<Record<string, string>> = {
  'balances.read-days': 'the projection repeats cache writes of the days that it has just changed',
  'deliveries.claim': 'the sender serves all merchants in turn',
  'deliveries.count': 'a metric',
  'deliveries.note-endings': 'the sender notes what came of deliveries of all merchants',
  'deliveries.prune': 'the janitor of old deliveries',
  'events.prune': 'the janitor of old events',
  'generations.compare': 'a rebuild compares all days',
  'generations.delete-others': 'a rebuild leaves one generation',
  'generations.find': 'a rebuild',
  'orders.versions': 'the streams of all merchants ask which of their orders have moved; no row is shown',
  'webhooks.catch-up': 'by the id of a webhook that was enabled as its merchant’s before',
  'tracking.open-pages': 'the pages of all merchants ask which of their tokens still open one; no row is shown',
  'tracking.revoke': 'by the id of an order that was read as its merchant before',
  'verification.balances': '`npm run verify` compares all balances',
  'verification.days': 'verification compares the days of all merchants',
  'verification.stretch': 'verification compares the days of all merchants',
}

test('a statement’s name says owner and verb, and no two have the same', () => {
  const names = statementsOf(PRODUCT).map(({ name }) => name)
  expect(names.length).toBeGreaterThan(40)
  expect(names.filter((name) => !/^([a-z]+|\$\{log\.name\})\.([a-z-]+|\$\{.+\})$/.test(name))).toEqual([])
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

test('the pools of apps and shared take statements that have a name', () => {
  const bare = PRODUCT.filter(({ path }) => !/^shared\/postgres\/(statement|ask)\.ts$/.test(path))
    .filter(({ text }) => /\.unsafe[<(]/.test(text))
    .map(({ path }) => path)
  expect(bare).toEqual([])
})

test('a statement over merchants’ rows goes through the own-rows door, but for those that serve all of them', () => {
  const outside = statementsOf(PRODUCT.filter(({ path }) => path.startsWith('apps/')))
    .filter(({ own, text }) => !own && TENANT_TABLES.test(text))
    .map(({ name }) => name)
  expect(new Set(outside)).toEqual(new Set(Object.keys(FOR_ALL)))
})

/** Where drizzle's queries see the rows of all merchants. */
const ASKED_FOR_ALL: Readonly<Record<string, string>> = {
  'apps/consolidado/src/verificar/snapshot.ts': 'reads the inbox and its letters, which are no merchant’s',
  'apps/consolidado/src/verificar/store.ts': 'reads letters and progress, which are no merchant’s',
  'apps/avisos/src/cadastrar/webhook-store.ts':
    'what changes a webhook goes by the service’s own role, with the merchant in its condition',
}

test('a query of drizzle’s that reads for a merchant goes through the own-rows door, too', () => {
  const asking = PRODUCT.filter(({ path, text }) => path.startsWith('apps/') && /[^.\w]ask\(\w+, /.test(text))
  expect(new Set(asking.map(({ path }) => path))).toEqual(new Set(Object.keys(ASKED_FOR_ALL)))
})
