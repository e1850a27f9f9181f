import { expect, test } from 'vitest'
import { createVerifier } from './auth.ts'
import { createTokenDeServico, tokenDeServicoDe } from './service-token.ts'

const SEGREDO = 'um segredo de teste com mais de trinta e dois bytes'

test('a service token may read events and nothing else, and is renewed before it expires', async () => {
  let agora = 0
  const token = createTokenDeServico({ secret: SEGREDO }, () => agora)
  const first = await token()
  const { scopes, comercianteId } = await createVerifier({ secret: SEGREDO }).verify(first)
  expect([...scopes]).toEqual(['eventos:ler'])
  expect(comercianteId).toBeUndefined()
  agora = 400_000
  expect(token()).toBe(token())
  const before = token()
  agora = 500_000
  expect(token()).not.toBe(before)
})

test('a service token names the issuer and the audience that its reader asks for', async () => {
  const names = { issuer: 'https://emissor.example', audience: 'https://fluxo.example/api' }
  const token = await tokenDeServicoDe({ secret: SEGREDO, token: undefined, ...names })()
  const { scopes } = await createVerifier({ secret: SEGREDO, ...names }).verify(token)
  expect([...scopes]).toEqual(['eventos:ler'])
})

test('a token that is given wins over the secret, and without either nothing starts', async () => {
  expect(await tokenDeServicoDe({ token: 'dado', secret: SEGREDO })()).toBe('dado')
  expect(await tokenDeServicoDe({ token: undefined, secret: SEGREDO })()).toMatch(/^ey/)
  expect(() => tokenDeServicoDe({ token: undefined, secret: undefined })).toThrow('JWT_SECRET')
})
