import { CODIGOS } from '@fluxo/shared/codigos/codigos'
import type { AppEnv } from '@fluxo/shared/http/env'
import type { AppModule } from '@fluxo/shared/http/module'
import { SCOPES } from '@fluxo/shared/http/scopes'
import type { Tag } from '@fluxo/shared/openapi/documented'
import { HEADERS, type HeaderName, idOf } from '@fluxo/shared/openapi/headers'
import { OpenAPIHono } from '@hono/zod-openapi'
import { withComponents } from './components.ts'
import { ProblemSchema } from './schemas.ts'
import type { Document } from './types.ts'

const TAGS: Readonly<Record<Tag, string>> = {
  Lançamentos: 'Créditos e débitos de um comerciante. Nada se muda nem se apaga: um erro se estorna.',
  Consolidado: 'O saldo de cada dia, e o de períodos.',
  Entregas: 'Pedidos a caminho do cliente, e tudo o que acontece com eles.',
  Rastreio: 'A página pública de um pedido, sem dados pessoais.',
  Webhooks: 'Avisos ao servidor do comerciante, assinados (Standard Webhooks), e o que foi feito deles.',
  Eventos: 'Os logs, para serviços dentro da rede.',
}

const DESCRIPTION = `Fluxo de caixa diário: lançamentos de crédito e débito, o consolidado de cada dia, e os pedidos a caminho do cliente.

Toda recusa é um documento RFC 9457 (\`Problema\`) com um \`codigo\` estável; seu \`type\` leva à página que diz o que fazer. Cada chamada
lista os seus em \`x-codigos\`. Além deles, qualquer endereço pode responder 405, 408, 414, 431 e 500.

Respostas podem ganhar campos: ignore os que não conhece. Requisições com campos desconhecidos são recusadas.`

const STATUSES: Readonly<Record<number, { description: string; headers?: readonly HeaderName[] }>> = {
  400: { description: 'A requisição não pôde ser lida' },
  401: { description: 'Sem token válido; veja WWW-Authenticate', headers: ['WWW-Authenticate'] },
  403: { description: 'O token não tem o escopo necessário', headers: ['WWW-Authenticate'] },
  404: { description: 'Não encontrado' },
  408: { description: 'O corpo parou de chegar' },
  409: { description: 'Conflito com o que já existe' },
  413: { description: 'Corpo grande demais' },
  415: { description: 'Tipo de conteúdo não aceito' },
  422: { description: 'Conteúdo recusado; veja codigo e erros' },
  429: {
    description: 'Requisições demais deste comerciante ou desta página',
    headers: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  },
  503: { description: 'Indisponível por ora', headers: ['Retry-After'] },
}

const ref = (kind: 'headers' | 'schemas', name: string) => ({ $ref: `#/components/${kind}/${name}` })

/** The answer of each status that is a problem. */
const problemResponses = () =>
  Object.entries(STATUSES).map(([status, { description, headers = [] }]) => {
    const names: readonly HeaderName[] = [...headers, 'X-Request-Id']
    const response = {
      description,
      headers: Object.fromEntries(names.map((name) => [name, ref('headers', idOf(name))])),
      content: {
        'application/problem+json': { schema: ref('schemas', 'Problema'), example: exampleOf(Number(status)) },
      },
    }
    return [`Problema${status}`, response] as const
  })

/** A problem of this status: the first code of the table that has it. */
function exampleOf(status: number) {
  const [codigo, meaning] = Object.entries(CODIGOS).find(([, one]) => one.status === status) ?? []
  if (codigo === undefined || meaning === undefined) throw new Error(`no code has the status ${status}`)
  const { titulo: title, significa: detail } = meaning
  return { type: `/problemas/${codigo}`, title, status, detail, instance: '/lancamentos', codigo }
}

/** The one document of all services, made of their routes. */
export function documentOf(modules: readonly AppModule[], version: string): Document {
  const all = new OpenAPIHono<AppEnv>()
  for (const { routes } of modules) all.route('/', routes)
  const registry = all.openAPIRegistry
  registry.register('Problema', ProblemSchema)
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: [
      'JWT com comerciante_id e scope. Escopos:',
      ...Object.entries(SCOPES).map(([name, meaning]) => `- \`${name}\`: ${meaning}`),
    ].join('\n'),
  })
  for (const [name, header] of Object.entries(HEADERS)) registry.registerComponent('headers', idOf(name), header)
  for (const [name, response] of problemResponses()) registry.registerComponent('responses', name, response)
  const generated = all.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Fluxo: fluxo de caixa diário',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  })
  return withComponents(JSON.parse(JSON.stringify(generated)))
}
