import { expect, test } from 'vitest'
import { createVerifier } from '../http/auth.ts'
import { createServiceToken, serviceTokenOf } from './service-token.ts'

const SECRET = 'um segredo de teste com mais de trinta e dois bytes'

test('a service token may read events and nothing else, and is renewed before it expires', async () => {
  let now = 0
  const token = createServiceToken({ secret: SECRET }, () => now)
  const first = await token()
  const { scopes, comercianteId } = await createVerifier({ secret: SECRET }).verify(first)
  expect([...scopes]).toEqual(['eventos:ler'])
  expect(comercianteId).toBeUndefined()
  now = 400_000
  expect(token()).toBe(token())
  const before = token()
  now = 500_000
  expect(token()).not.toBe(before)
})

test('a service token names the issuer and the audience that its reader asks for', async () => {
  const names = { issuer: 'https://emissor.example', audience: 'https://fluxo.example/api' }
  const token = await serviceTokenOf({ secret: SECRET, token: undefined, ...names })()
  const { scopes } = await createVerifier({ secret: SECRET, ...names }).verify(token)
  expect([...scopes]).toEqual(['eventos:ler'])
})

test('a token that is given wins over the secret, and without either nothing starts', async () => {
  expect(await serviceTokenOf({ token: 'dado', secret: SECRET })()).toBe('dado')
  expect(await serviceTokenOf({ token: undefined, secret: SECRET })()).toMatch(/^ey/)
  expect(() => serviceTokenOf({ token: undefined, secret: undefined })).toThrow('JWT_SECRET')
})
