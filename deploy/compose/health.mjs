// The containers' health check: 0 where the service is ready. Plain `node:http`, since every check starts a process of its own.
import { get } from 'node:http'

const TIMEOUT_MS = 15_000

const request = get(
  { host: '127.0.0.1', port: process.env.PORT, path: '/health/ready', timeout: TIMEOUT_MS },
  ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1),
)
request.on('timeout', () => process.exit(1))
request.on('error', () => process.exit(1))
