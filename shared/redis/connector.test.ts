import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { HearingConnector } from './connector.ts'

test('a socket that fails twice ends nothing: the second error is heard as well', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const connector = new HearingConnector({ host: '127.0.0.1', port })
  const socket = await connector.connect(() => {})
  // What ioredis does with it.
  socket.once('error', () => {})
  socket.emit('error', new Error('self-signed certificate'))
  expect(() => socket.emit('error', new Error('tlsv1 alert decode error'))).not.toThrow()
  socket.destroy()
  server.close()
})
