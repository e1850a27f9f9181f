import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { CODIGOS } from '../codigos/codigos.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createHttpApp } from './app.ts'
import { asksForHtml } from './html-page.ts'

const app = createHttpApp({
  modules: [],
  registry: new Registry(),
  log: createLogger({ service: 'teste', level: 'silent' }),
  leaving: () => false,
  started: () => true,
})
/** As browsers send it. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const get = (path: string, accept?: string) => app.request(path, { headers: accept === undefined ? {} : { accept } })

test('every problem’s type leads to a page that says what it means and what to do, for people and for programs', async () => {
  for (const [codigo, { status, titulo: title, significa: meaning, remedy }] of Object.entries(CODIGOS)) {
    const json = await get(`/problemas/${codigo}`, '*/*')
    expect([json.status, json.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await json.json()).toEqual({ codigo, status, titulo: title, significa: meaning, o_que_fazer: remedy })

    const page = await get(`/problemas/${codigo}`, BROWSER)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const html = await page.text()
    for (const text of [`<h1>${title}</h1>`, codigo, `status ${status}`, meaning, remedy]) expect(html).toContain(text)
  }
})

test('a code that nobody answers has no page', async () => {
  for (const path of ['/problemas/nada', '/problemas/toString', '/problemas/', '/problemas/nao-encontrado/x']) {
    for (const accept of [BROWSER, '*/*']) {
      const answer = await get(path, accept)
      expect([path, answer.status]).toEqual([path, 404])
      expect(await answer.json()).toMatchObject({ codigo: 'nao-encontrado' })
    }
  }
})

test('the address alone says to a person what this is and leads to the documentation, and is nothing to a program', async () => {
  const page = await get('/', BROWSER)
  expect([page.status, page.headers.get('vary')]).toEqual([200, 'Accept'])
  expect(await page.text()).toMatch(/<html lang="pt-BR">.*<a href="\/docs">/s)
  for (const accept of [undefined, '*/*', 'application/json']) {
    const answer = await get('/', accept)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
  }
})

test('the pages ask for nothing from anywhere, light and dark', async () => {
  for (const path of ['/', '/problemas/erro-interno']) {
    const page = await get(path, BROWSER)
    const html = await page.text()
    expect(html).not.toMatch(/https?:|<script|<link|<img|style=|@import|url\(/)
    expect(html).toContain('color-scheme: light dark')
    const style = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? ''
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(style))).toString('base64')
    expect(page.headers.get('content-security-policy')).toMatch(
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'`,
    )
  }
})

test.each([
  [BROWSER, true],
  ['text/html', true],
  ['application/json, TEXT/HTML;q=0.5', true],
  ['text/html;q=0', false],
  ['text/html;q=0.0, */*', false],
  ['text/htmlx', false],
  ['application/xhtml+xml', false],
  ['*/*', false],
  [undefined, false],
])('Accept: %s asks for HTML: %s', (accept, yes) => {
  expect(asksForHtml(accept)).toBe(yes)
})
