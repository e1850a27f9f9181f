// Um receptor de webhooks do Fluxo, só com o Node:  node receptor.mjs whsec_…   (PORTA escolhe a porta; 3000 sem ela)
//
// Três regras bastam: confira a assinatura sobre os bytes que chegaram, responda 2xx em até 15 segundos, e guarde os ids já
// vistos, porque cada aviso chega ao menos uma vez. A assinatura é a de https://www.standardwebhooks.com.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const segredo = process.argv[2] ?? ''
const porta = Number(process.env.PORTA ?? 3000)
if (!segredo.startsWith('whsec_')) {
  console.error('Uso: node receptor.mjs whsec_…   (o "secret" da resposta de POST /webhooks)')
  process.exit(2)
}
const chave = Buffer.from(segredo.slice('whsec_'.length), 'base64')

/** Um aviso mais velho que isso pode ser a repetição de alguém que o gravou. */
const IDADE_MAX_SEGUNDOS = 300
/** Nenhum aviso do Fluxo é maior. */
const CORPO_MAX_BYTES = 64 * 1024

const iguais = (a, b) => a.length === b.length && timingSafeEqual(a, b)

/** Verdadeiro se o corpo, o id e a hora foram assinados com o segredo. Durante uma troca de segredo vêm duas assinaturas. */
const confere = (cabecalhos, corpo) => {
  const id = cabecalhos['webhook-id'] ?? ''
  const hora = Number(cabecalhos['webhook-timestamp'])
  if (!(Math.abs(Date.now() / 1000 - hora) <= IDADE_MAX_SEGUNDOS)) return false
  const certa = createHmac('sha256', chave).update(`${id}.${hora}.`).update(corpo).digest()
  return (cabecalhos['webhook-signature'] ?? '')
    .split(' ')
    .some((assinatura) => iguais(certa, Buffer.from(assinatura.replace(/^v1,/, ''), 'base64')))
}

/** Em um sistema de verdade, uma tabela com o id como chave. */
const vistos = new Set()

createServer(async (pedido, resposta) => {
  const partes = []
  let bytes = 0
  for await (const parte of pedido) {
    bytes += parte.length
    if (bytes <= CORPO_MAX_BYTES) partes.push(parte)
  }
  const corpo = Buffer.concat(partes)
  if (bytes > CORPO_MAX_BYTES || !confere(pedido.headers, corpo)) return resposta.writeHead(401).end()
  const id = pedido.headers['webhook-id']
  if (!vistos.has(id)) {
    vistos.add(id)
    const { type, data } = JSON.parse(corpo)
    console.log(`${type} pedido ${data.order_id} ${data.status ?? ''}`)
  }
  resposta.writeHead(204).end()
}).listen(porta, '127.0.0.1', () => console.log(`à espera de avisos em http://localhost:${porta}`))
