import type { PassoVisivel, Rastreio } from './rastrear.ts'

/** Where the page's own files are; beside the pages and not below them, so that no token can look like a file. */
export const ESTILO_PATH = '/rastreio/pagina.css'
export const SCRIPT_PATH = '/rastreio/pagina.js'

const ENTIDADES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML shows it, in elements and in quoted attributes. */
export const escapar = (texto: string): string => texto.replace(/[&<>"']/g, (um) => ENTIDADES[um] ?? um)

/** Everybody who waits for a parcel of ours lives by this clock. */
const FORMATO = new Intl.DateTimeFormat('pt-BR', {
  timeZone: 'America/Sao_Paulo',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

const passo = ({ titulo, detalhe, quando }: PassoVisivel): string => `<li>
<p class="titulo">${escapar(titulo)}</p>
<p class="quando"><time datetime="${quando.toISOString()}">${escapar(FORMATO.format(quando))}</time></p>${
  detalhe === undefined ? '' : `\n<p class="detalhe">${escapar(detalhe)}</p>`
}
</li>`

const documento = (titulo: string, cabeca: string, main: string): string => `<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<title>${escapar(titulo)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${ESTILO_PATH}">${cabeca}
</head>
<body>
${main}
</body>
</html>
`

/**
 * The public page of an order. Without JavaScript it is read anew by its own link; with it, `main` is replaced by the server's next
 * version whenever something happens, so there is one place that writes HTML, and it escapes everything.
 */
export const paginaDoRastreio = ({ titulo, frase, encerrado, passos }: Rastreio): string =>
  documento(
    `${titulo} · Rastreio do pedido`,
    encerrado ? '' : `\n<script src="${SCRIPT_PATH}" defer></script>`,
    `<main>
<h1>Rastreio do pedido</h1>
<div id="situacao" role="status" aria-live="polite" aria-atomic="true">
<p class="agora">${escapar(titulo)}</p>
<p>${escapar(frase)}</p>
</div>
<h2 id="historico">Histórico</h2>
<ol id="passos" aria-labelledby="historico" reversed>
${passos.map(passo).join('\n')}
</ol>
<p id="atualizar"${encerrado ? ' hidden' : ''}><a href="">Atualizar agora</a></p>
<p class="nota">Horários de Brasília.</p>
</main>`,
  )

/** What a token that opens nothing leads to; it does not say whether it ever did. */
export const paginaNaoEncontrada = (): string =>
  documento(
    'Rastreio não encontrado',
    '',
    `<main>
<h1>Rastreio não encontrado</h1>
<p>Este endereço não abre nenhum pedido, ou deixou de abrir. Peça um novo à loja.</p>
</main>`,
  )

/** Contrast is 7:1 or more in both schemes; nothing is told by colour alone. */
export const ESTILO = `:root {
  color-scheme: light dark;
  --fundo: #ffffff;
  --texto: #1a1a1a;
  --suave: #4a4a4a;
  --linha: #767676;
  --marca: #00508a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --fundo: #121212;
    --texto: #f2f2f2;
    --suave: #c8c8c8;
    --linha: #8c8c8c;
    --marca: #8cc8ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--fundo);
  color: var(--texto);
  font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.2; }
h2 { margin: 2rem 0 1rem; font-size: 1.125rem; }
p { margin: 0; }
#situacao { padding: 1rem; border: 1px solid var(--linha); border-left: 0.375rem solid var(--marca); border-radius: 0.25rem; }
.agora { font-size: 1.25rem; font-weight: 700; }
ol { margin: 0; padding: 0; list-style: none; border-left: 0.125rem solid var(--linha); }
li { position: relative; padding: 0 0 1.25rem 1.25rem; }
li::before {
  content: "";
  position: absolute;
  left: -0.4375rem;
  top: 0.375rem;
  width: 0.75rem;
  height: 0.75rem;
  border: 0.125rem solid var(--marca);
  border-radius: 50%;
  background: var(--fundo);
}
li:first-child::before { background: var(--marca); }
.titulo { font-weight: 600; }
.quando, .detalhe, .nota { color: var(--suave); }
.nota { margin-top: 1rem; font-size: 0.875rem; }
#atualizar { margin-top: 1rem; }
a { display: inline-block; padding: 0.625rem 0; color: var(--marca); }
a:focus-visible { outline: 0.1875rem solid var(--marca); outline-offset: 0.1875rem; }
@media (min-width: 48rem) {
  main { padding-top: 3rem; }
  h1 { font-size: 2rem; }
}
`

/** Reads the page anew whenever something happens, and swaps what changed: a reader hears the status once, and focus stays. */
export const SCRIPT = `(() => {
  // Not all at the same moment.
  const VOLTA_MS = 5_000 + Math.random() * 5_000
  let eventos
  let acabou = false
  let lendo = false
  let deNovo = false
  const trocar = (novo, id) => {
    const antes = document.getElementById(id)
    const depois = novo.getElementById(id)
    if (antes === null || depois === null || antes.innerHTML === depois.innerHTML) return
    antes.replaceChildren(...document.importNode(depois, true).childNodes)
  }
  const ler = async () => {
    deNovo = true
    if (lendo) return
    lendo = true
    try {
      while (deNovo) {
        deNovo = false
        const resposta = await fetch(location.pathname, { cache: 'no-store' })
        if (resposta.status === 429 || resposta.status === 503) {
          // Too many look at once: the page stays as it is, and is read anew in a while.
          setTimeout(ler, VOLTA_MS)
          return
        }
        if (!resposta.ok) {
          acabou = true
          eventos.close()
          location.reload()
          return
        }
        const novo = new DOMParser().parseFromString(await resposta.text(), 'text/html')
        trocar(novo, 'passos')
        trocar(novo, 'situacao')
        document.title = novo.title
        const fim = novo.getElementById('atualizar')
        if (fim !== null && fim.hidden) {
          acabou = true
          eventos.close()
          document.getElementById('atualizar').hidden = true
        }
      }
    } catch {
      // The network is away: the stream comes back by itself, and with it the next reading.
    } finally {
      lendo = false
    }
  }
  const ligar = () => {
    eventos = new EventSource(location.pathname + '/stream')
    eventos.addEventListener('order.status', ler)
    // A browser comes back by itself after a cut, and gives up where it is refused.
    eventos.addEventListener('error', () => {
      if (!acabou && eventos.readyState === EventSource.CLOSED) setTimeout(() => ler().then(ligar), VOLTA_MS)
    })
  }
  ligar()
})()
`
