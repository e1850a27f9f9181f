import { z } from 'zod'
import { type Client, JSON_BODY } from './client.ts'
import type { Report } from './report.ts'
import type { Stack } from './stack.ts'

type Deps = { stack: Stack; client: Client; report: Report; token: string }

const ENTREGAS = 2
const OrderSchema = z.object({ id: z.uuid() })
const TrackingSchema = z.object({ url: z.string() })

/** The address of a tracking page is its key: no log of nginx has it, also where entregas does not answer. */
export const checkPageKeys = async ({ stack, client, report, token }: Deps): Promise<void> => {
  const body = '{"customer_name":"Rui","address":"Rua B, 2"}'
  const order = await client.send('POST', '/orders', { token, headers: JSON_BODY, body })
  const { id } = OrderSchema.parse(JSON.parse(order.text))
  const made = await client.send('POST', `/orders/${id}/tracking`, { token })
  const { url } = TrackingSchema.parse(JSON.parse(made.text))
  const key = url.slice(url.lastIndexOf('/') + 1)
  const headers = { referer: `https://loja.example${url}` }
  const since = new Date()
  await stack.compose('kill', 'entregas')
  const answers = await Promise.all(
    [url, `${url}/stream`, `/Track/${key}`, '/rastreio/estilo.css'].map((path) =>
      client.send('GET', path, { headers }),
    ),
  )
  await stack.compose('start', 'entregas')
  const statuses = answers.map(({ status }) => status).join(' ')
  report.check('without entregas its pages are 503', statuses === '503 503 404 503', statuses)
  const { stdout, stderr } = await stack.tryCompose([
    'logs',
    '--no-log-prefix',
    '--since',
    since.toISOString(),
    'nginx',
  ])
  const lines = `${stdout}${stderr}`.split('\n')
  report.check('the access log has the requests', lines.filter((line) => line.includes('"/track/*')).length === 3)
  const found = lines.filter((line) => line.includes(key))
  report.check('no log of nginx has the key of a page', found.length === 0, `${found.length} lines: ${found[0] ?? ''}`)
  await stack.healthy('entregas', ENTREGAS)
}
