import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A certificate and its key, as PEM. */
export type Certificate = { cert: string; key: string }

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** [0] and [3] of a TBSCertificate: the version and the extensions. */
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
} as const
/** The dotted numbers, encoded: commonName, ecdsa-with-SHA256, basicConstraints, subjectAltName. */
const OID = { commonName: '550403', ecdsaSha256: '2a8648ce3d040302', basicConstraints: '551d13', altName: '551d11' }
const SERIAL_BYTES = 8
const DAY_MS = 86_400_000

/** One value of DER: tag, length, content. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const oid = (hex: string): Buffer => der(TAG.oid, Buffer.from(hex, 'hex'))
const name = (text: string): Buffer =>
  der(TAG.sequence, der(TAG.set, der(TAG.sequence, oid(OID.commonName), der(TAG.utf8, Buffer.from(text)))))
const time = (days: number): Buffer => {
  const text = new Date(Date.now() + days * DAY_MS).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return der(TAG.time, Buffer.from(text))
}
const extension = (id: string, value: Buffer): Buffer => der(TAG.sequence, oid(id), der(TAG.octetString, value))
const pem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`

const make = (terms: { subject: string; issuer?: { name: string; key: string }; extensions: Buffer; days: number }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(TAG.sequence, oid(OID.ecdsaSha256))
  const tbs = der(
    TAG.sequence,
    der(TAG.version, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, Buffer.from([1]), randomBytes(SERIAL_BYTES)),
    algorithm,
    name(terms.issuer?.name ?? terms.subject),
    der(TAG.sequence, time(-1), time(terms.days)),
    name(terms.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.extensions, der(TAG.sequence, terms.extensions)),
  )
  const signature = sign('sha256', tbs, terms.issuer ? createPrivateKey(terms.issuer.key) : privateKey)
  return {
    cert: pem(der(TAG.sequence, tbs, algorithm, der(TAG.bitString, Buffer.from([0]), signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** A certificate authority of a test's own, and servers' certificates of it: Node signs, but makes none. */
export const createAuthority = (subject: string) => {
  const isAuthority = der(TAG.sequence, der(TAG.boolean, Buffer.from([0xff])))
  const own = make({ subject, extensions: extension(OID.basicConstraints, isAuthority), days: 1 })
  return {
    cert: own.cert,
    /** For a server by that name; over since yesterday with `days` below 0. */
    issue: (host: string, days = 1): Certificate =>
      make({
        subject: host,
        issuer: { name: subject, key: own.key },
        extensions: extension(OID.altName, der(TAG.sequence, der(TAG.dnsName, Buffer.from(host)))),
        days,
      }),
  }
}
