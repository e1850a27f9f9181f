import { expect, test } from 'vitest'
import { z } from 'zod'
import { envBoolean, envDurationMs, envInteger, envList, envPort, envSecret, envUrl, parseEnv } from './env.ts'

const Schema = z.object({
  PORT: envPort().default(8080),
  DATABASE_URL: envUrl('postgres', 'postgresql').describe('where the ledger is'),
  JWT_SECRET: envSecret(32),
  AVISO: envDurationMs().default(0),
  LIGADO: envBoolean().default(false),
  PARTICOES: envInteger({ min: 1, max: 64 }).default(1),
})

const VALID = { DATABASE_URL: 'postgres://u:p@h/d', JWT_SECRET: 'x'.repeat(32) }

test('variables come typed, with the defaults of what is absent or empty', () => {
  const env = parseEnv(Schema, { ...VALID, AVISO: '2s', LIGADO: 'Sim', PARTICOES: '', OUTRA: 'x' })
  expect(env).toEqual({ ...VALID, PORT: 8080, AVISO: 2000, LIGADO: true, PARTICOES: 1 })
})

test('every problem is told at once, with what is expected, and no value is shown', () => {
  const bad = { DATABASE_URL: '', JWT_SECRET: 'curto-e-secreto', PORT: '99999', AVISO: 'logo', LIGADO: 'talvez' }
  const attempt = () => parseEnv(Schema, { ...bad, PARTICOES: '0' })
  expect(attempt).toThrow(/DATABASE_URL: is missing \(where the ledger is\)/)
  expect(attempt).toThrow(/JWT_SECRET: expected at least 32 bytes/)
  expect(attempt).toThrow(/PORT: expected a whole number from 0 to 65535/)
  expect(attempt).toThrow(/AVISO: expected a duration/)
  expect(attempt).toThrow(/LIGADO: expected true or false/)
  expect(attempt).toThrow(/PARTICOES: expected a whole number from 1 to 64/)
  expect(attempt).not.toThrow(/curto-e-secreto|99999|talvez/)
})

test.each([
  ['500', 500],
  ['500ms', 500],
  ['2s', 2000],
  ['5m', 300_000],
  ['1h', 3_600_000],
])('the duration %s is %d ms', (text, ms) => {
  expect(envDurationMs().parse(text)).toBe(ms)
})

test.each(['-1', '1.5', '0x10', '1e3', '9'.repeat(17)])('%s is not a whole number', (text) => {
  expect(envInteger().safeParse(text).success).toBe(false)
})

test('a URL of another scheme is refused', () => {
  expect(envUrl('redis').safeParse('http://localhost').success).toBe(false)
  expect(envUrl('redis').safeParse('nonsense').success).toBe(false)
})

test('a list has at least one item, and each is read as one alone', () => {
  expect(envList(envDurationMs()).parse('0, 30s,5m')).toEqual([0, 30_000, 300_000])
  for (const text of ['', '1s,', '1s,x']) expect(envList(envDurationMs()).safeParse(text).success).toBe(false)
})
