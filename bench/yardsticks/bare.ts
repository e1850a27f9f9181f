// The bare servers: what Hono on Node can do at most. A POST that parses and echoes, and a GET of fixed bytes (BODY).
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const port = Number(process.env['PORT'])
const body = process.env['BODY'] ?? '{}'

const app = new Hono()
  .get('/health/ready', (c) => c.text('ok'))
  .get('/consolidado/:data', (c) => c.body(body, 200, { 'Content-Type': 'application/json' }))
  .post('/lancamentos', async (c) => c.json(await c.req.json(), 201))
  .post('/orders', async (c) => c.json(await c.req.json(), 201))
  .post('/orders/:id/transitions', async (c) => c.json(await c.req.json(), 200))
  .post('/lancamentos/lote', async (c) => c.json(await c.req.json(), 200))

const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.close(() => process.exit(0)))
