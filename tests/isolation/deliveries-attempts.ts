import {
  abrirPagina,
  cancelar,
  criarWebhook,
  fecharPagina,
  importar,
  informar,
  lerEntregas,
  lerHistoria,
  lerLog,
  lerPagina,
  lerPedido,
  lerWebhook,
  listar,
  listarWebhooks,
  ouvir,
  ouvirPagina,
  receber,
  reenviar,
  removerWebhook,
  type SegredosDeEntrega,
  testar,
  transitar,
  trocarSegredo,
} from './deliveries-merchant.ts'
import type { Pedido } from './world.ts'

/** A valid id that was never given. */
const NUNCA = '01a00000-0000-7000-8000-000000000000'
const com = (espera: number, pedido: Pedido): Pedido => ({ ...pedido, espera })
const semDono = (pedido: Pedido): Pedido => com(404, pedido)

/** What a merchant has of its own before it tries anything: an order, its page, a webhook, a delivery. */
export const proprias = (eu: string, url: string): Pedido[] => [
  com(201, receber({ chave: 'minha', referencia: 'minha' }, eu)),
  com(201, criarWebhook(url)),
  com(202, testar('~webhook')),
  com(201, abrirPagina('~pedido')),
]

/**
 * Everything that one merchant can try with another's secrets, at every operation: the same values are sent in the world where they
 * mean something and in the one where they mean nothing. `~pedido`, `~webhook`, `~entrega` and `~token` are its own.
 */
export const tentativas = (alvo: SegredosDeEntrega, eu: string): Pedido[] => [
  ...porPedido(alvo),
  ...porWebhook(alvo),
  ...porCursor(alvo),
  ...porConteudo(alvo, eu),
  ...porToken(alvo),
  ...['', '?particao=0', '?particao=1&depois_de=0&limite=1'].map((consulta) => com(403, lerLog(consulta))),
  // Its own, last: all of it is as if nobody else were there.
  com(200, lerPedido('~pedido', { 'if-none-match': '"1", W/"2", *' })),
  com(200, lerHistoria('~pedido')),
  com(200, ouvir('~pedido')),
  com(200, lerPagina('~token')),
  com(200, ouvirPagina('~token')),
  com(200, listarWebhooks()),
  com(200, lerWebhook('~webhook')),
  com(200, trocarSegredo('~webhook')),
  com(200, lerEntregas('~webhook', '?limite=200')),
  com(202, reenviar('~webhook', '~entrega')),
  com(204, fecharPagina('~pedido')),
  listar('?limite=200'),
  com(204, removerWebhook('~webhook')),
]

const porPedido = ({ pedidos, eventos }: SegredosDeEntrega): Pedido[] => [
  ...[...pedidos, ...eventos, NUNCA].map((id) => semDono(lerPedido(id))),
  ...pedidos
    .slice(0, 3)
    .flatMap((id) => [
      semDono(lerPedido(id.toUpperCase())),
      semDono(lerHistoria(id)),
      semDono(lerHistoria(id, '?after=1')),
      semDono(ouvir(id)),
      semDono(ouvir(id, { 'last-event-id': '1' })),
      semDono(transitar(id, { status: 'IN_TRANSIT' })),
      semDono(transitar(id, { status: 'DELIVERED', version: 1 }, 'm1')),
      semDono(cancelar(id)),
      semDono(cancelar(id, 'cx')),
      semDono(informar(id)),
      semDono(abrirPagina(id)),
      semDono(fecharPagina(id)),
    ]),
]

const porWebhook = ({ webhooks, entregas }: SegredosDeEntrega): Pedido[] => [
  ...[...webhooks, NUNCA].flatMap((id) => [
    semDono(lerWebhook(id)),
    semDono(trocarSegredo(id)),
    semDono(testar(id)),
    semDono(lerEntregas(id)),
    semDono(removerWebhook(id)),
    ...entregas.map((entrega) => semDono(reenviar(id, entrega))),
  ]),
  // Another one's delivery is none of an own webhook's.
  ...entregas.map((entrega) => semDono(reenviar('~webhook', entrega))),
]

const porCursor = ({ cursores, cursoresDeEntregas, encomendas }: SegredosDeEntrega): Pedido[] => [
  ...cursores.map((cursor) => com(400, listar(`?cursor=${cursor}`))),
  ...[...cursores, ...cursoresDeEntregas].map((cursor) => com(400, lerEntregas('~webhook', `?cursor=${cursor}`))),
  ...encomendas.flatMap(({ referencia }) =>
    referencia === undefined ? [] : [listar(`?referencia=${encodeURIComponent(referencia)}`)],
  ),
  ...['RECEIVED', 'IN_TRANSIT', 'CANCELLED'].map((status) => listar(`?status=${status}`)),
]

/** Writes with the same keys, `referencia` and files: each is the first of its kind for who sends it now. */
const porConteudo = ({ encomendas, canario }: SegredosDeEntrega, eu: string): Pedido[] => [
  ...encomendas.slice(0, 2).map((encomenda) => receber(encomenda, canario)),
  com(201, receber({ chave: 'sinal-1', valor: '3.14' }, canario)),
  com(201, receber({ chave: 'sinal-2', valor: '9.99' }, eu)),
  ...encomendas.slice(0, 2).map(({ referencia }) => receber({ referencia }, eu)),
  importar(encomendas, canario),
  importar([{}, ...encomendas], eu),
  // The keys under which the other one moved and cancelled do both here for the first time.
  com(200, transitar('~pedido', { status: 'SEPARATED' }, 'm1')),
  com(200, informar('~pedido')),
  com(200, cancelar('~pedido', 'c1')),
]

const porToken = ({ tokensFechados }: SegredosDeEntrega): Pedido[] =>
  tokensFechados.flatMap((token) => [semDono(lerPagina(token)), semDono(ouvirPagina(token))])
