import { OpenAPIHono } from '@hono/zod-openapi'
import { html } from 'hono/html'
import { CODIGOS, type Codigo, isCodigo } from '../codigos/codigos.ts'
import { DomainError } from '../errors.ts'
import { type AppEnv, headerOf } from './env.ts'
import { asksForHtml, htmlPage } from './html-page.ts'
import { jsonText } from './json.ts'

/** The refusal of an address at which there is nothing. */
export const noSuchAddress = (): DomainError => new DomainError('nao-encontrado', 'Não há nada neste endereço.')

const START = html`
<h1>Fluxo</h1>
<p>O fluxo de caixa diário de uma loja: lançamentos de crédito e débito, o consolidado de cada dia, e os pedidos a caminho do cliente.</p>
<p>Este endereço é de uma API: quem a usa são programas, com um token.</p>
<ul>
<li><a href="/docs">A documentação</a>, com cada chamada e seus exemplos</li>
<li><a href="/openapi.json">O mesmo para programas</a> (OpenAPI)</li>
</ul>
`

/** What people find at the addresses of an API: `/` says what this is, `/problemas/{codigo}` what an error means and what helps. */
export function htmlRoutes(): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  routes.get('/', (c) => {
    if (!asksForHtml(headerOf(c, 'accept'))) throw noSuchAddress()
    return htmlPage('Fluxo', START)
  })
  routes.get('/problemas/:codigo', (c) => {
    const codigo = c.req.param('codigo')
    if (!isCodigo(codigo)) throw new DomainError('nao-encontrado', 'Não há problema com este código.')
    return asksForHtml(headerOf(c, 'accept')) ? problemHtml(codigo) : problemJson(codigo)
  })
  return routes
}

const problemJson = (codigo: Codigo): Response => {
  const { status, titulo: title, significa: meaning, remedy } = CODIGOS[codigo]
  const body = { codigo, status, titulo: title, significa: meaning, o_que_fazer: remedy }
  return jsonText(JSON.stringify(body), 200, { 'Cache-Control': 'max-age=3600', Vary: 'Accept' })
}

function problemHtml(codigo: Codigo): Promise<Response> {
  const { status, titulo: title, significa: meaning, remedy } = CODIGOS[codigo]
  return htmlPage(
    `${title} · Fluxo`,
    html`
<h1>${title}</h1>
<p class="quiet"><code>${codigo}</code> · status ${status}</p>
<h2>O que aconteceu</h2>
<p>${meaning}</p>
<h2>O que fazer</h2>
<p>${remedy}</p>
<p class="quiet"><a href="/docs">Documentação</a></p>
`,
  )
}
