import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** What a name server says of a name: its addresses, that it fails or knows no such name, or nothing at all. */
export type NameAnswer = readonly string[] | 'falha' | 'desconhecido' | 'calado'

const TYPE = { A: 1, AAAA: 28 } as const
const RCODE = { certo: 0, falha: 2, desconhecido: 3 } as const
const HEADER_BYTES = 12
/** Answer, recursion desired and available. */
const IS_ANSWER = 0x8180
/** The name of an answer is the one of the question, which begins after the header. */
const ASKED_NAME = 0xc00c
const TTL_S = 1

/** The question of a message: its name, its type, and where it ends. */
function questionOf(message: Buffer): { nome: string; tipo: number; end: number } {
  const parts: string[] = []
  let at = HEADER_BYTES
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    parts.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { nome: parts.join('.').toLowerCase(), tipo: message.readUInt16BE(at + 1), end: at + 5 }
}

const bytesOf = (ip: string): Buffer => {
  if (!ip.includes(':')) return Buffer.from(ip.split('.').map(Number))
  const [before = [], after = []] = ip
    .replace(
      /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
      (_, a, b, c, d) => `:${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
    )
    .split('::')
    .map((side) => side.split(':').filter((part) => part !== ''))
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  return Buffer.concat(groups.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')))
}

function reply(message: Buffer, answer: Exclude<NameAnswer, 'calado'>): Buffer {
  const { tipo, end } = questionOf(message)
  const given = typeof answer === 'string' ? [] : answer
  const addresses = given.filter((one) => (one.includes(':') ? TYPE.AAAA : TYPE.A) === tipo).map(bytesOf)
  const header = Buffer.alloc(HEADER_BYTES)
  message.copy(header, 0, 0, 2)
  header.writeUInt16BE(IS_ANSWER | RCODE[typeof answer === 'string' ? answer : 'certo'], 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(addresses.length, 6)
  const records = addresses.map((bytes) => {
    const record = Buffer.alloc(12)
    record.writeUInt16BE(ASKED_NAME, 0)
    record.writeUInt16BE(tipo, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(TTL_S, 6)
    record.writeUInt16BE(bytes.length, 10)
    return Buffer.concat([record, bytes])
  })
  return Buffer.concat([header, message.subarray(HEADER_BYTES, end), ...records])
}

/** A name server on a port of its own; `say` is asked for each question, with how often the name was asked for its A before. */
export async function createNameServer(say: (name: string, times: number) => NameAnswer) {
  const questions: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    const { nome: name, tipo } = questionOf(message)
    const times = questions.filter((asked) => asked === name).length
    if (tipo === TYPE.A) questions.push(name)
    const answer = say(name, times)
    if (answer !== 'calado') socket.send(reply(message, answer), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    servers: [`127.0.0.1:${socket.address().port}`],
    /** The names that were asked for, once for each question for an A. */
    questions,
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

export type NameServer = Awaited<ReturnType<typeof createNameServer>>
