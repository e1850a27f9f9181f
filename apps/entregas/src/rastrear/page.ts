import { html } from 'hono/html'
import { icon } from './icons.ts'
import type { Fase, Rastreio, VisiblePasso } from './rastrear.ts'

/** Where the page's own files are; beside the pages and not below them, so that no token can look like a file. */
export const STYLE_PATH = '/rastreio/pagina.css'
export const SCRIPT_PATH = '/rastreio/pagina.js'

type Html = ReturnType<typeof html>

/** All times on the page are São Paulo time. */
const FORMAT = new Intl.DateTimeFormat('pt-BR', {
  timeZone: 'America/Sao_Paulo',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

const timeElement = (at: Date): Html => html`<time datetime="${at.toISOString()}">${FORMAT.format(at)}</time>`

const passoItem = ({ title, detail, at }: VisiblePasso): Html => html`<li>
<p class="titulo">${title}</p>
<p class="quando">${timeElement(at)}</p>${detail === undefined ? '' : html`\n<p class="detalhe">${detail}</p>`}
</li>`

const faseItem = ({ title, state }: Fase): Html =>
  state === 'current'
    ? html`<li class="atual" aria-current="step">${title}</li>`
    : html`<li class="${state}">${title}<span class="oculto">${state === 'done' ? ': concluído' : ': ainda não'}</span></li>`

/** Where the parcel is on its usual way; nothing where it has left that way. */
const progress = (fases: readonly Fase[]): Html | '' =>
  fases.length === 0 ? '' : html`<ol class="fases" aria-label="Andamento">${fases.map(faseItem)}</ol>`

const htmlDocument = (title: string, head: Html | '', main: Html): Html => html`<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLE_PATH}">${head}
</head>
<body>
${main}
</body>
</html>
`

/**
 * The public page of an order. Without JavaScript it is read anew by its own link; with it, what changed is taken from the server's next
 * version whenever something happens, so there is one place that writes HTML, and it escapes everything.
 */
export const rastreioPage = ({ title, sentence, since, icon: picture, fases, ended, passos }: Rastreio): Html =>
  htmlDocument(
    `${title} · Rastreio do pedido`,
    ended ? '' : html`\n<script src="${SCRIPT_PATH}" defer></script>`,
    html`<main>
<h1>Rastreio do pedido</h1>
<div class="cartao">
<div id="situacao" role="status" aria-live="polite" aria-atomic="true">
${icon(picture)}
<p class="agora">${title}</p>
<p>${sentence}</p>
<p class="quando">${timeElement(since)}</p>
</div>
<div id="andamento">${progress(fases)}</div>
</div>
<h2 id="historico">Histórico</h2>
<div class="cartao">
<ol id="passos" class="passos" aria-labelledby="historico" reversed>
${passos.map(passoItem)}
</ol>
</div>
<p id="atualizar"${ended ? ' hidden' : ''}><a href="">Atualizar agora</a></p>
<p class="nota">Horários de Brasília.</p>
</main>`,
  )

/** What a token that opens nothing leads to; it does not say whether it ever did. */
export const notFoundPage = (): Html =>
  htmlDocument(
    'Rastreio não encontrado',
    '',
    html`<main>
<h1>Rastreio não encontrado</h1>
<p class="cartao">Este endereço não abre nenhum pedido, ou deixou de abrir. Peça um novo à loja.</p>
</main>`,
  )
