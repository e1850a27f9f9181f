import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CODIGOS, type Meaning } from '@fluxo/shared/codigos/codigos'
import { expect, test } from 'vitest'
import { codeOf, isTest, root, sourceFiles } from './source-files.ts'

const TABLE: [string, Meaning][] = Object.entries(CODIGOS)

const THROWN = /\b(?:DomainError|Unavailable|super)\(\s*'([a-z]+(?:-[a-z]+)*)'/g
/** Beside what is thrown: a problem that is written by hand, and the reason of one entry of a batch. */
const WRITTEN = /\bcodigo: '([a-z]+(?:-[a-z]+)*)'/g

const SERVICES = sourceFiles().filter(
  (file) => /^(apps|shared)\//.test(file.path) && !file.path.startsWith('shared/codigos/') && !isTest(file),
)
const codesBy = (expression: RegExp): string[] =>
  SERVICES.flatMap((file) => [...file.text.matchAll(expression)].flatMap(([, codigo]) => codigo ?? []))

/** A `map $status $name { … }` of nginx, by status; its default stands at 500. */
const nginxMap = (name: string): Map<number, string> => {
  const text = readFileSync(join(root, 'deploy/nginx/fluxo/problems-text.conf'), 'utf8')
  const body = new RegExp(`map \\$status \\$${name} \\{([^}]*)\\}`).exec(text)?.[1] ?? ''
  return new Map(
    [...body.matchAll(/^\s*(\d{3}|default) "?([^";]*)"?;/gm)].map(([, status, value]) => [
      status === 'default' ? 500 : Number(status),
      value ?? '',
    ]),
  )
}

test('every code that the services throw or nginx answers is in the table, and none is there that nobody answers', () => {
  const thrown = codesBy(THROWN)
  const nginx = [...nginxMap('fluxo_codigo').values()]
  expect([thrown.length > 40, nginx.length > 8]).toEqual([true, true])
  const table = TABLE.map(([codigo]) => codigo)
  expect([...thrown, ...nginx].filter((codigo) => !table.includes(codigo))).toEqual([])
  const answered = new Set([...thrown, ...nginx, ...codesBy(WRITTEN)])
  expect(table.filter((codigo) => !answered.has(codigo))).toEqual([])
})

test('nginx gives its codes the status and the title of the table', () => {
  const titles = nginxMap('fluxo_title')
  for (const [status, codigo] of nginxMap('fluxo_codigo')) {
    const meaning = TABLE.find(([known]) => known === codigo)?.[1]
    expect([codigo, status, titles.get(status)]).toEqual([codigo, meaning?.status, meaning?.titulo])
  }
})

test('no text becomes a code by being called one', () => {
  const casts = SERVICES.filter((file) => /\bas Codigo\b/.test(codeOf(file)))
  expect(casts.map(({ path }) => path)).toEqual([])
})

test('each code says in Portuguese sentences what it means and what to do, in characters that HTML takes as they are', () => {
  for (const [codigo, { titulo, significa, remedy, status }] of TABLE) {
    expect(codigo).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect([codigo, status >= 400 && status < 600]).toEqual([codigo, true])
    expect(titulo, codigo).toMatch(/^[A-ZÀ-Ú][^.<>&"]+$/)
    for (const text of [significa, remedy]) expect(text, codigo).toMatch(/^[A-ZÀ-Ú][^<>&"]+\.$/)
  }
})
