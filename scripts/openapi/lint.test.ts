import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { type Document, named } from './types.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'fluxo-lint-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the lint as the command line does, without a word to anybody. Answers its problems by rule. */
const lint = (file: string) => {
  const args = ['lint', file, '--config', join(root, 'redocly.yaml'), '--format', 'json', '--max-problems', '1000']
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/redocly'), args, {
    cwd: root,
    encoding: 'utf8',
    // Neither telemetry nor a look for a newer version: the lint needs no network.
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  })
  const { totals, problems } = JSON.parse(stdout || `{"stderr":${JSON.stringify(stderr)}}`) as {
    totals: { errors: number; warnings: number; ignored: number }
    problems: { ruleId: string; message: string }[]
  }
  return { status, totals, rules: problems.map(({ ruleId, message }) => `${ruleId}: ${message}`) }
}

test('the document is clean by the strict rules, with no warning and nothing ignored', () => {
  expect(lint(join(root, 'docs/openapi.json'))).toEqual({
    status: 0,
    totals: { errors: 0, warnings: 0, ignored: 0 },
    rules: [],
  })
})

test('the lint fails for an operation without a name, an example that is wrong, and a refusal that is no problem', () => {
  const document: Document = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'))
  const call: { operationId?: string; responses: Record<string, object> } = named(
    named(document.paths, '/lancamentos'),
    'post',
  )
  delete call.operationId
  call.responses['409'] = { description: 'Conflito', content: { 'text/plain': { schema: { type: 'string' } } } }
  named(document.components.schemas, 'Lancamento').example = { id: 1 }
  const file = join(folder, 'openapi.json')
  writeFileSync(file, JSON.stringify(document))
  const { status, rules } = lint(file)
  expect(status).toBe(1)
  for (const rule of ['operation-operationId', 'operation-4xx-problem-details-rfc7807', 'no-invalid-schema-examples']) {
    expect(rules.some((found) => found.startsWith(rule))).toBe(true)
  }
})
