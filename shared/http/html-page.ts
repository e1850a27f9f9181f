import { hash } from 'node:crypto'
import { html, raw } from 'hono/html'

const STYLE = `
:root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, sans-serif; }
body { max-width: 38rem; margin: 3rem auto; padding: 0 1.25rem; background: light-dark(#fff, #16181d); color: light-dark(#1c1f26, #e8eaee); }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.1rem; margin-top: 1.75rem; }
a { color: light-dark(#0b57c5, #8ab8ff); }
code { font: 0.95em ui-monospace, monospace; overflow-wrap: anywhere; }
.quiet { color: light-dark(#565d6b, #a7aebb); }
`

/** Nothing from anywhere: the one style is in the page, known by its hash. */
const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'max-age=3600',
  Vary: 'Accept',
}

/** A page of ours for people, in one file. */
export const htmlPage = async (title: string, body: ReturnType<typeof html>): Promise<Response> =>
  new Response(
    await html`<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`,
    { headers: HEADERS },
  )

/** Whether `Accept` names HTML, as browsers do; programs name JSON, or anything. */
export const asksForHtml = (accept: string | undefined): boolean =>
  /(?:^|,)\s*text\/html\s*(?:,|$|;(?!\s*q=0(?:\.0*)?\s*(?:,|$)))/i.test(accept ?? '')
