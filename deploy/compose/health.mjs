// The containers' health check: 0 where the service is ready; else it repeats why not, for `docker inspect`. Plain `node:http`, since
// every check starts a process of its own.
import { get } from 'node:http'
import { text } from 'node:stream/consumers'

const TIMEOUT_MS = 15_000

const unwell = (why) => {
  console.log(why)
  process.exit(1)
}
const request = get(
  { host: '127.0.0.1', port: process.env.PORT, path: '/health/ready', timeout: TIMEOUT_MS },
  async (answer) => {
    if (answer.statusCode === 200) process.exit(0)
    unwell(await text(answer))
  },
)
request.on('timeout', () => unwell(`no answer within ${TIMEOUT_MS} ms`))
request.on('error', (error) => unwell(error.message))
