import { expect, test } from 'vitest'
import { sourceFiles } from './source-files.ts'
import { machineWords, machineWordsAreEnglish, typesAreUnique } from './vocabulary.ts'

const FILES = sourceFiles()

test('machine things have English names, inside the apps and outside', () => {
  expect(machineWordsAreEnglish(FILES).violations).toEqual([])
  const planted = [
    { path: 'shared/log/relay.ts', text: "export const stop = async () => {}\nconst parar = 'resposta'\n" },
    { path: 'apps/entregas/src/mover/store.ts', text: 'const readPedido = { erro: row.erro, ultimoErro: 1 }\n' },
  ]
  expect(machineWordsAreEnglish(planted).violations).toEqual([
    'shared/log/relay.ts: parar: "parar" is called "stop"',
    'apps/entregas/src/mover/store.ts: ultimoErro: "erro" is called "error"',
  ])
})

test('no word of the business is forbidden as a machine word', () => {
  const business = FILES.flatMap(({ path }) => /^apps\/[^/]+\/src\/([a-z]+)\//.exec(path)?.[1] ?? [])
  expect(business.filter((word) => machineWords().has(word))).toEqual([])
})

test('an exported type has one meaning over the apps and shared', () => {
  expect(typesAreUnique(FILES).violations).toEqual([])
  const planted = ['shared/log/feed.ts', 'apps/consolidado/src/app.ts'].map((path) => ({
    path,
    text: 'export type Reader = { read: () => void }\n',
  }))
  expect(typesAreUnique(planted).violations).toEqual([
    'Reader is a type of shared/log/feed.ts and apps/consolidado/src/app.ts',
  ])
})
