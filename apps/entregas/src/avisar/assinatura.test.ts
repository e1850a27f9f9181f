import { describe, expect, test } from 'vitest'
import { cabecalhosDa, SEGREDO_BYTES, segredoDe, segredosVigentes } from './assinatura.ts'

const SEGREDO = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const MENSAGEM = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, corpo: '{"test": 2432232314}' }
const ASSINATURA = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

describe('the signature', () => {
  test('is the one of Standard Webhooks, by its published vector', () => {
    expect(cabecalhosDa(MENSAGEM, [SEGREDO])).toEqual({
      'webhook-id': MENSAGEM.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': ASSINATURA,
    })
  })

  test('speaks for id, time, body and secret alike', () => {
    const outras = [
      cabecalhosDa({ ...MENSAGEM, id: 'msg_outra' }, [SEGREDO]),
      cabecalhosDa({ ...MENSAGEM, timestamp: 1614265331 }, [SEGREDO]),
      cabecalhosDa({ ...MENSAGEM, corpo: '{"test": 2432232315}' }, [SEGREDO]),
      cabecalhosDa(MENSAGEM, [segredoDe(new Uint8Array(SEGREDO_BYTES))]),
    ]
    const assinaturas = outras.map((cabecalhos) => cabecalhos['webhook-signature'])
    expect(new Set([ASSINATURA, ...assinaturas]).size).toBe(5)
  })

  test('is given by both secrets while the key rotates, the new one first', () => {
    const segredo = segredoDe(new Uint8Array(SEGREDO_BYTES).fill(7))
    const anteriorAte = new Date('2025-10-16T00:00:00Z')
    const segredos = { segredo, anterior: SEGREDO, anteriorAte }
    const durante = segredosVigentes(segredos, new Date('2025-10-15T23:59:59Z'))
    expect(durante).toEqual([segredo, SEGREDO])
    const partes = cabecalhosDa(MENSAGEM, durante)['webhook-signature'].split(' ')
    expect(partes).toHaveLength(2)
    expect(partes[1]).toBe(ASSINATURA)
    expect(segredosVigentes(segredos, anteriorAte)).toEqual([segredo])
  })
})

test('a new secret has 32 bytes behind whsec_', () => {
  expect(segredoDe(new Uint8Array(SEGREDO_BYTES))).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
})
