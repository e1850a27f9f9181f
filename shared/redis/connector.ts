import type { StandaloneConnectionOptions } from 'ioredis'
import { StandaloneConnector } from 'ioredis/built/connectors/index.js'

/**
 * Connects as ioredis does, and goes on hearing the socket's errors.
 *
 * ioredis 6 hears the first `error` of a socket only (`once`). Under TLS a second one may follow: a certificate that we refuse is the
 * first, the server's alert about our leaving the second. Unheard it would end the process.
 */
export class HearingConnector extends StandaloneConnector {
  constructor(options: unknown) {
    super(options as StandaloneConnectionOptions)
  }

  override async connect(emitter: Parameters<StandaloneConnector['connect']>[0]) {
    const socket = await super.connect(emitter)
    socket.on('error', () => {})
    return socket
  }
}
